/** Where a character occurs next in a text. Questions rise, so the text is searched once however often one asks. */
export class Occurrences {
  private readonly character: string;
  private readonly text: string;
  private next = -1;

  constructor(character: string, text: string) {
    this.character = character;
    this.text = text;
  }

  /** Offset of the first occurrence from here on, or the length of the text. */
  from(position: number): number {
    if (this.next < position) {
      const index = this.text.indexOf(this.character, position);
      this.next = index < 0 ? this.text.length : index;
    }
    return this.next;
  }
}
