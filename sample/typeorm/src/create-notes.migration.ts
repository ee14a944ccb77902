import { type MigrationInterface, type QueryRunner, Table } from 'typeorm';

/** The application's own migration, beside the one of nestjs-oidc-auth. */
export class CreateNotes1764000000000 implements MigrationInterface {
  readonly name = 'CreateNotes1764000000000';

  async up(runner: QueryRunner): Promise<void> {
    const sqlite = runner.connection.options.type === 'better-sqlite3';
    await runner.createTable(
      new Table({
        name: 'note',
        columns: [
          {
            name: 'id',
            type: sqlite ? 'integer' : 'int',
            isPrimary: true,
            isGenerated: true,
            generationStrategy: 'increment',
          },
          { name: 'owner', type: 'varchar', length: '500' },
          { name: 'text', type: 'text' },
        ],
      }),
    );
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.dropTable('note');
  }
}
