import { MetadataScanner } from '@nestjs/core';

/** Where Nest's package leaves what makes a method a handler of messages. */
const PATTERN = 'microservices:pattern';

const scanner = new MetadataScanner();

/** The methods of a class, inherited ones included, that handle messages. */
export function messageHandlers({ prototype }: Function): Function[] {
  if (typeof prototype !== 'object' || prototype === null) return [];
  return scanner.getAllMethodNames(prototype).flatMap((name) => {
    const method: unknown = Reflect.get(prototype, name);
    return typeof method === 'function' && Reflect.hasMetadata(PATTERN, method) ? [method] : [];
  });
}

/** What a handler of messages listens to: a pattern, or several. */
export function patternsOf(handler: Function): unknown[] {
  const patterns: unknown = Reflect.getMetadata(PATTERN, handler);
  return Array.isArray(patterns) ? patterns : [patterns];
}
