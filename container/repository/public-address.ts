/**
 * Which addresses a rule may be led to: public unicast ones, by IANA's registries of special addresses. What
 * is not known to be public is not; nor is an address of this machine's own, which reaches what a firewall hides.
 */
import { BlockList, isIPv4, isIPv6 } from 'node:net';
import { networkInterfaces } from 'node:os';

const SPECIAL_4 = [
  '0.0.0.0/8', // this network
  '10.0.0.0/8', // private
  '100.64.0.0/10', // carrier-grade NAT
  '127.0.0.0/8', // loopback
  '169.254.0.0/16', // link-local, where clouds serve credentials
  '172.16.0.0/12', // private
  '192.0.0.0/24', // protocol assignments
  '192.0.2.0/24', // documentation
  '192.88.99.0/24', // relays to 6to4
  '192.168.0.0/16', // private
  '198.18.0.0/15', // benchmarks
  '198.51.100.0/24', // documentation
  '203.0.113.0/24', // documentation
  '224.0.0.0/4', // multicast
  '240.0.0.0/4', // reserved, broadcast
];
/** All that is given out of IPv6. Outside: loopback, mapped and translated IPv4, private, link-local, multicast. */
const GLOBAL_6 = ['2000::/3'];
const SPECIAL_6 = [
  '2001::/23', // protocol assignments, Teredo among them
  '2001:db8::/32', // documentation
  '2002::/16', // 6to4: holds an IPv4 address
  '3fff::/20', // documentation
];

const special4 = listOf('ipv4', SPECIAL_4);
const global6 = listOf('ipv6', GLOBAL_6);
const special6 = listOf('ipv6', SPECIAL_6);

/**
 * @param address in text, as a resolver gives it
 * @param own this machine's addresses
 */
export function isPublicAddress(address: string, own = ownAddresses()): boolean {
  if (own.includes(address)) return false;
  if (isIPv4(address)) return !special4.check(address, 'ipv4');
  // A zone, which follows "%", belongs to addresses of one link.
  if (!isIPv6(address) || address.includes('%')) return false;
  return global6.check(address, 'ipv6') && !special6.check(address, 'ipv6');
}

/** Asked each time: they may change during a run. */
export function ownAddresses(): string[] {
  return Object.values(networkInterfaces()).flatMap((list) => list?.map(({ address }) => address) ?? []);
}

function listOf(family: 'ipv4' | 'ipv6', ranges: readonly string[]): BlockList {
  const list = new BlockList();
  for (const range of ranges) {
    const [network = '', bits] = range.split('/');
    list.addSubnet(network, Number(bits), family);
  }
  return list;
}
