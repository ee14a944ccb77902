import { Prop, Schema, SchemaFactory } from '@nestjs/mongoose';

/** What this application keeps for its users, on the same connection as their sessions. */
@Schema()
export class Note {
  /** Issuer and subject together are the user's identity. */
  @Prop({ type: String, required: true, index: true })
  owner!: string;

  @Prop({ type: String, required: true })
  text!: string;
}

export const noteSchema = SchemaFactory.createForClass(Note);
