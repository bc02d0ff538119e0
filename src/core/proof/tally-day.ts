/**
 * Adds up what the pieces of a day came to, in the order of their keys: counts, sums, hashes, findings. Holds a bounded number of
 * findings of each currency and no payments, so that the number of pieces costs nothing. Pure but for the hashes, which it is
 * given. The result is the same however the day was cut.
 */
import { type Acceptance, coverAccepted } from './acceptance.js';
import { compareFindings, compareText, type DayFinding, FINDINGS_KEPT_MAX, type SideTotals } from './certificate.js';
import { type ComparedCurrency, type ComparedSides, textOfLine } from './compare-day.js';
import type { SideLine } from './day-payment.js';
import { keyOf } from './line-key.js';

/** SHA-256 over lines, joined by line feeds, that come one after the other. */
export interface LineHash {
  add(line: string): void;
  /** In hex. */
  end(): string;
}

/** One currency of a day, before the source balance is looked at. */
export interface TalliedCurrency {
  /** Null on a day without any payment on any side. */
  readonly currency: string | null;
  /** The worst, at most FINDINGS_KEPT_MAX, sorted. */
  readonly findings: readonly DayFinding[];
  /** All of them. */
  readonly findingsCount: number;
  readonly stripe: SideTotals;
  readonly ledger: SideTotals;
  readonly own: SideTotals;
  /** What the rows take out of the source balance on this day, in minor units. */
  readonly explained: bigint;
}

export interface TalliedDay {
  /** At least one. */
  readonly currencies: readonly TalliedCurrency[];
  /** Currencies of the source balance in which this day has nothing to compare: only its movement can say something. */
  readonly idle: readonly TalliedCurrency[];
  /** Applied rows of other mirrors, which are not judged. */
  readonly ofOtherMirrors: number;
  /** Rows whose payment was not asked for. */
  readonly notJudged: number;
}

/** What lies between two keys, or beyond one where the other is null. */
export interface PieceBounds {
  /** The last key of the piece before. */
  readonly after: string | null;
  readonly upTo: string | null;
}

export interface TallyRules {
  /** Those of the day that are in force. */
  readonly acceptances: readonly Acceptance[];
  /** Each of them is tallied, though nothing of it may be left. */
  readonly earlierCurrencies: readonly string[];
  openHash(): LineHash;
}

export interface DayTally {
  /**
   * In the order of the pieces.
   * @param strays lines of the ledger that were found in other pieces and whose ids are of this one: a copy of a payment under some
   *   other reference
   * @returns those that this piece has for others, which are not counted
   */
  add(compared: ComparedSides, bounds: PieceBounds, strays: readonly SideLine[]): SideLine[];
  /** @param sources currencies of the mirror's own balances */
  end(sources: Iterable<string>): TalliedDay;
}

export function createTally(rules: TallyRules): DayTally {
  const sums = new Map<string, CurrencySum>();
  const of = (currency: string): CurrencySum => {
    const sum = sums.get(currency) ?? new CurrencySum(rules);
    sums.set(currency, sum);
    return sum;
  };
  for (const currency of rules.earlierCurrencies) of(currency);
  const everywhere = new WorstFindings();
  const explained = new Map<string, bigint>();
  let ofOtherMirrors = 0;
  let notJudged = 0;
  const tallied = (currency: string | null, sum: CurrencySum): TalliedCurrency => {
    const amount = currency === null ? 0n : (explained.get(currency) ?? 0n);
    return sum.end(currency, { everywhere, explained: amount });
  };
  return {
    add(compared, bounds, strays) {
      const others: SideLine[] = [];
      const added = new Map<string, SideLine[]>();
      for (const line of strays) added.set(line.currency, [...(added.get(line.currency) ?? []), line]);
      const isHere = ({ id }: SideLine) => isWithin(keyOf(id), bounds);
      for (const [currency, part] of compared.currencies) {
        const ledger = [...part.ledger.filter(isHere), ...(added.get(currency) ?? [])];
        added.delete(currency);
        of(currency).add({ ...part, ledger });
        for (const line of part.ledger) if (!isHere(line)) others.push(line);
      }
      for (const [currency, ledger] of added) of(currency).add({ findings: [], stripe: [], ledger, own: [] });
      everywhere.add(coverAccepted(compared.everywhere, rules.acceptances));
      for (const [currency, amount] of compared.explained) {
        explained.set(currency, (explained.get(currency) ?? 0n) + amount);
      }
      ofOtherMirrors += compared.ofOtherMirrors;
      notJudged += compared.notJudged;
      return others;
    },

    end(sources) {
      const idle = [...sources].filter((currency) => !sums.has(currency));
      const sorted = [...sums].sort(([a], [b]) => compareText(a, b));
      const currencies = sorted.map(([currency, sum]) => tallied(currency, sum));
      return {
        currencies: currencies.length > 0 ? currencies : [tallied(null, new CurrencySum(rules))],
        idle: idle.map((currency) => tallied(currency, new CurrencySum(rules))),
        ...{ ofOtherMirrors, notJudged },
      };
    },
  };
}

function isWithin(key: string, { after, upTo }: PieceBounds): boolean {
  return (after === null || key > after) && (upTo === null || key <= upTo);
}

class CurrencySum {
  readonly #rules: TallyRules;
  readonly #findings = new WorstFindings();
  readonly #sides: Readonly<Record<'stripe' | 'ledger' | 'own', SideSum>>;

  constructor(rules: TallyRules) {
    this.#rules = rules;
    const side = () => new SideSum(rules.openHash());
    this.#sides = { stripe: side(), ledger: side(), own: side() };
  }

  add({ findings, stripe, ledger, own }: ComparedCurrency): void {
    // What a person accepted is no worse than an exception, so it is known before a long list is cut.
    this.#findings.add(coverAccepted(findings, this.#rules.acceptances));
    this.#sides.stripe.add(stripe);
    this.#sides.ledger.add(ledger);
    this.#sides.own.add(own);
  }

  end(
    currency: string | null,
    { everywhere, explained }: { readonly everywhere: WorstFindings; readonly explained: bigint },
  ): TalliedCurrency {
    const { stripe, ledger, own } = this.#sides;
    return {
      currency,
      findings: this.#findings.with(everywhere),
      findingsCount: this.#findings.count + everywhere.count,
      ...{ stripe: stripe.end(), ledger: ledger.end(), own: own.end() },
      explained,
    };
  }
}

class SideSum {
  #count = 0;
  #sum = 0n;
  readonly #hash: LineHash;

  constructor(hash: LineHash) {
    this.#hash = hash;
  }

  add(lines: readonly SideLine[]): void {
    this.#count += lines.length;
    for (const { amount } of lines) this.#sum += amount ?? 0n;
    for (const text of lines.map(textOfLine).sort(compareText)) this.#hash.add(text);
  }

  end(): SideTotals {
    return { count: this.#count, sum: this.#sum, hash: this.#hash.end() };
  }
}

/** Lists are cut when they are this much longer than they may be, and not after every piece. */
const SLACK = 1_000;

/** The worst of many findings. Those that sort as equal stay in the order in which they came. */
class WorstFindings {
  count = 0;
  #kept: DayFinding[] = [];

  add(findings: readonly DayFinding[]): void {
    this.count += findings.length;
    for (const finding of findings) {
      this.#kept.push(finding);
      if (this.#kept.length >= FINDINGS_KEPT_MAX + SLACK) this.#kept = this.#worst();
    }
  }

  /** Together with those of every currency. */
  with(others: WorstFindings): readonly DayFinding[] {
    return [...this.#worst(), ...others.#worst()].sort(compareFindings).slice(0, FINDINGS_KEPT_MAX);
  }

  #worst(): DayFinding[] {
    return this.#kept.sort(compareFindings).slice(0, FINDINGS_KEPT_MAX);
  }
}
