import { Controller, Get } from '@nestjs/common';

/** A route of the application's own beside those of the module. */
@Controller('api/auth/v2')
export class AuthPortsController {
  /** The ports on which command-line clients may wait for the end of a login. */
  @Get('auth-ports')
  authPorts() {
    return { valid_ports: [53100, 53101, 53102, 53103, 53104, 53105] };
  }
}
