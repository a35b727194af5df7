/** The same answers in workerd as in Node: its Web Crypto is another implementation. */
import { ed25519Suite } from '../support/ed25519/suite.ts';

ed25519Suite();
