/**
 * A group of options as a host writes it. The group itself is a class: the one home of each option's type, text, rule and default; left out, an
 * option is what the class says.
 */
export type Written<Group> = { [Name in keyof Group]: Group[Name] };

/** A group of options with each member there: with its default, or `undefined` where that means something. */
export type Complete<Options> = { readonly [Name in keyof Options]-?: Options[Name] };

/** The names of a group of options: its class has them all. */
export function namesOf(Options: new () => object): readonly string[] {
  return Object.keys(new Options());
}

/**
 * What the host wrote of a group of options, and the defaults of the rest; `undefined` counts as left out, and what is no option of the group
 * is left aside.
 */
export function complete<Options extends object>(
  Options: new () => Options,
  given: { readonly [Name in keyof Options]?: Options[Name] | undefined },
): Complete<Options>;
export function complete(Options: new () => object, given: object): object {
  const options = new Options();
  for (const name of Object.keys(options)) {
    const value: unknown = Reflect.get(given, name);
    if (value !== undefined) Object.assign(options, { [name]: value });
  }
  return Object.fromEntries(Object.entries(options));
}
