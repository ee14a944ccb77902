import type { Type } from '@nestjs/common';
import { type ResolvedRoutes, type RouteName, routeNames } from '../options/resolve-routes.js';
import {
  describeRoute,
  formPostCallback,
  leaveOut,
  logoutByCookie,
  thirdPartyLogin,
} from './api-operation.js';
import { backchannelLogoutController } from './backchannel-logout.controller.js';
import { callbackController, formPostController } from './callback.controller.js';
import { clientJwksController } from './client-jwks.controller.js';
import { deviceController, noDeviceController } from './device.controller.js';
import { introspectController } from './introspect.controller.js';
import { jwksController } from './jwks.controller.js';
import { loginController } from './login.controller.js';
import { logoutByCookieController } from './logout-by-cookie.controller.js';
import { logoutController } from './logout.controller.js';
import { providersController } from './providers.controller.js';
import { revokeController } from './revoke.controller.js';
import { sessionController } from './session.controller.js';
import { thirdPartyLoginController } from './third-party-login.controller.js';
import { tokenController } from './token.controller.js';
import { userinfoController } from './userinfo.controller.js';

const CONTROLLERS: Readonly<Record<RouteName, (path: string) => Type>> = {
  login: loginController,
  callback: callbackController,
  token: tokenController,
  device: deviceController,
  logout: logoutController,
  userinfo: userinfoController,
  revoke: revokeController,
  jwks: jwksController,
  clientJwks: clientJwksController,
  introspect: introspectController,
  backchannelLogout: backchannelLogoutController,
  providers: providersController,
  session: sessionController,
};

/** A route, or another method at its path. */
type ControllerName = RouteName | 'logoutByCookie' | 'formPost' | 'thirdPartyLogin';

/** A fresh controller class for each route that is on: decorators mutate what they touch, and two apps may differ. */
export function createControllers(routes: ResolvedRoutes): Map<ControllerName, Type> {
  const controllers = new Map<ControllerName, Type>();
  for (const name of routeNames) {
    const path = routes[name];
    if (path === undefined) continue;
    const controller = CONTROLLERS[name](path);
    describeRoute(name, controller, routes.apiTag);
    controllers.set(name, controller);
  }
  if (routes.noDevice !== undefined) {
    const controller = noDeviceController(routes.noDevice);
    leaveOut(controller);
    controllers.set('device', controller);
  }
  if (routes.browserSessions && routes.logout !== undefined) {
    const controller = logoutByCookieController(routes.logout);
    describeRoute('logout', controller, routes.apiTag, logoutByCookie, 'logoutByCookie');
    controllers.set('logoutByCookie', controller);
  }
  if (routes.browserSessions && routes.login !== undefined) {
    const controller = thirdPartyLoginController(routes.login);
    describeRoute('login', controller, routes.apiTag, thirdPartyLogin);
    controllers.set('thirdPartyLogin', controller);
  }
  if (routes.formPost && routes.callback !== undefined) {
    const controller = formPostController(routes.callback);
    describeRoute('callback', controller, routes.apiTag, formPostCallback);
    controllers.set('formPost', controller);
  }
  return controllers;
}
