// The copy of Nest that the package itself is developed with.
import * as common from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';

export { common };
export const core = { NestFactory, ExpressAdapter, FastifyAdapter };
