// The peers' own copy of Nest, of the same release.
import * as common from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';

export { common };
export const core = { NestFactory, ExpressAdapter, FastifyAdapter };
