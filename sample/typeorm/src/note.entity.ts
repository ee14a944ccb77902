import { EntitySchema } from 'typeorm';

/** What this application keeps for its users, in the same database as their sessions. */
export interface Note {
  id: number;
  /** Issuer and subject together are the user's identity. */
  owner: string;
  text: string;
}

export const noteEntity = new EntitySchema<Note>({
  name: 'Note',
  tableName: 'note',
  columns: {
    id: { type: 'int', primary: true, generated: true },
    owner: { type: 'varchar', length: 500 },
    text: { type: 'text' },
  },
});
