/** The verification host that runs rules in rooms, by its address. */
import { type HttpAddress, HttpSandbox } from './http.ts';

export class HostSandbox extends HttpSandbox {
  constructor(address: HttpAddress) {
    super('host', address);
  }
}
