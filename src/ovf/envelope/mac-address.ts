/** MAC addresses (IEEE 802) as descriptors write them in `rasd:Address` of adapters. */

const MAC = /^[0-9a-f]{2}([:-]?)[0-9a-f]{2}(\1[0-9a-f]{2}){4}$/;

/** In lower case with colons; undefined for a text that is no MAC address. */
export function macOf(text: string): string | undefined {
  const digits = text.toLowerCase();
  return MAC.test(digits) ? digits.replace(/[:-]/g, '').match(/../g)?.join(':') : undefined;
}

/** Whether it is that of a group, as the broadcast address is: no adapter can have it. */
export function isMulticast(mac: string): boolean {
  return (Number.parseInt(mac.slice(0, 2), 16) & 1) === 1;
}
