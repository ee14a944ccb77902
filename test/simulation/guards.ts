import { type Instance, OWN_ISSUER } from './instance.js';
import type { MintedClaims, ModelSession } from './model.js';
import { BUSY_MS, type Scene } from './scene.js';

const CLOCK_TOLERANCE_SEC = 5;
/** So long a token of an instance may live that was configured otherwise. */
const LONGEST_TOKEN_MS = 4000_000;

/** Minted tokens, and the guards to which they are presented. */
export class Guards {
  readonly #minted: MintedClaims[] = [];

  constructor(private readonly scene: Scene) {}

  /** What a token says, as it would be minted; the signature would only take time. */
  async mint(session: ModelSession, at: Instance): Promise<void> {
    const key = await this.scene.request(at, () => at.keys.current());
    if (key.status !== 200) return;
    const { kid, tokenLifetimeSec = Infinity } = key.value;
    const iat = Math.floor(at.clock.now().getTime() / 1000);
    const exp = iat + Math.min(at.lifetimeSec, tokenLifetimeSec);
    const jti = `${session.name} ${this.#minted.length}`;
    this.#minted.push({ session, sid: session.id, jti, sub: session.user, iat, exp, kid });
  }

  /** Tokens are presented to guards. */
  async watch(): Promise<void> {
    const until = this.scene.mood.rollingUpdate ? LONGEST_TOKEN_MS : BUSY_MS;
    while (this.scene.timeline.now < until) {
      await this.scene.timeline.sleep(
        this.scene.random.between(500, this.scene.isBusy ? 4000 : 400_000),
      );
      if (this.#minted.length > 0)
        await this.#present(this.scene.random.pick(this.#minted), this.scene.somewhere());
    }
  }

  async #present(claims: MintedClaims, at: Instance): Promise<void> {
    const { model } = this.scene;
    const outcome = await this.scene.request(at, async () => ({
      verdict: await judge(claims, at),
      knowsSince: at.knowsSince,
    }));
    if (outcome.status !== 200) return;
    const { verdict, knowsSince } = outcome.value;
    if (verdict === 'expired') return;
    if (verdict === 'unknown key' && !model.retiredAt.has(claims.kid)) return; // too new for it
    model.judged(claims, verdict === 'taken', knowsSince);
  }
}

/** What the guard of an instance says of a token, beside its signature. */
async function judge(
  { session: _of, ...claims }: MintedClaims,
  { clock, own }: Instance,
): Promise<'expired' | 'refused' | 'taken' | 'unknown key'> {
  if (claims.exp + CLOCK_TOLERANCE_SEC < clock.now().getTime() / 1000) return 'expired';
  const issuer = await own.named(OWN_ISSUER);
  const keys = await issuer?.keys.candidates({ alg: 'ES256', kid: claims.kid });
  if (keys?.length !== 1) return 'unknown key';
  const whole = { ...claims, iss: OWN_ISSUER, aud: 'myapp-api' };
  return issuer?.accepts?.(whole) === true ? 'taken' : 'refused';
}
