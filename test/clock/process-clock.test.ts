/** The clock for deadlines within a process: it goes on while the machine sleeps, and only grows. */
import { describe, expect, it } from 'vitest';
import { countSleep } from '../../src/app/system-clock.js';

const DAY = 86_400_000;

describe('the clock of a process', () => {
  const clocks = { awake: 1_000, uptime: 50_000, wall: 5_000_000, looks: 0 };
  const clock = () =>
    countSleep({
      awakeMs: () => clocks.awake,
      wallMs: () => clocks.wall,
      uptimeMs() {
        clocks.looks += 1;
        return clocks.uptime;
      },
    });
  const pass = (awakeMs: number, asleepMs = 0) => {
    clocks.awake += awakeMs;
    clocks.uptime += awakeMs + asleepMs;
    clocks.wall += awakeMs + asleepMs;
  };

  it('goes on while the machine sleeps, though the clock of Node does not', () => {
    const now = clock();
    const before = now();
    pass(10);
    expect(now() - before).toBe(10);
    pass(5, DAY);
    expect(now() - before).toBe(10 + 5 + DAY);
    pass(5);
    expect(now() - before).toBe(10 + 5 + DAY + 5);
  });

  it('counts a sleep within a second also when the wall clock was set back by as much', () => {
    const now = clock();
    const before = now();
    pass(5, DAY);
    clocks.wall -= DAY;
    now();
    pass(1_000);
    expect(now() - before).toBe(5 + DAY + 1_000);
  });

  it('reads the uptime, which opens a file, once a second', () => {
    const now = clock();
    now();
    const looks = clocks.looks;
    for (let times = 0; times < 100; times += 1) {
      pass(15);
      now();
    }
    expect(clocks.looks - looks).toBe(1);
  });

  it('only grows, when uptime is told in whole seconds, jumps back, or belongs to another machine', () => {
    const now = clock();
    let before = now();
    for (const uptimeStep of [1_000, 0, 0, 1_000, -40_000, 0, 3_000]) {
      clocks.awake += 1_000;
      clocks.uptime += uptimeStep;
      clocks.wall -= 5_000;
      expect(now() - before).toBe(1_000);
      before = now();
    }
  });
});
