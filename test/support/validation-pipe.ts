import { ValidationPipe } from '@nestjs/common';

/**
 * The strict pipe that many hosts put on the whole application. `class-transformer`, which it wants, is no
 * dependency of ours; the two functions that it uses of it are enough.
 */
export function strictValidationPipe(): ValidationPipe {
  return new ValidationPipe({
    whitelist: true,
    forbidNonWhitelisted: true,
    transformerPackage: {
      plainToInstance: (Target, plain) => {
        const instance = new Target();
        for (const [name, value] of membersOf(plain)) Reflect.set(Object(instance), name, value);
        return instance;
      },
      classToPlain: (instance) => Object.fromEntries(membersOf(instance)),
    },
  });
}

function membersOf(value: unknown): [name: string, value: unknown][] {
  return typeof value === 'object' && value !== null ? Object.entries(value) : [];
}
