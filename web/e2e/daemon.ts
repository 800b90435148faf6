/** A real daemon of its own for each test: `WINDLASS_EXE` names the program. Its agents are simulated; everything around them is real. */
import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';

import { startFront } from '../dev/page.mjs';
import { test as base } from './fixtures';

const exe = process.env.WINDLASS_EXE;
const run = promisify(execFile);

export class Daemon {
  private child!: ChildProcess;
  /** Where the API answers. */
  api = '';

  private constructor(
    readonly home: string,
    private readonly program: string,
  ) {}

  static async start(program: string): Promise<Daemon> {
    const daemon = new Daemon(await mkdtemp(join(tmpdir(), 'windlass-page-')), program);
    await daemon.up('127.0.0.1:0');
    await run('git', ['init', '-q', '-b', 'main', daemon.repo]);
    await writeFile(join(daemon.repo, 'README.md'), 'A shop.\n');
    const git = ['-C', daemon.repo, '-c', 'user.name=Ada', '-c', 'user.email=ada@example.org'];
    await run('git', [...git, 'add', '.']);
    await run('git', [...git, 'commit', '-qm', 'first']);
    return daemon;
  }

  get repo(): string {
    return join(this.home, 'shop');
  }

  /** Starts it, and waits until it says that it is ready. */
  async up(listen: string): Promise<void> {
    this.child = spawn(this.program, ['up', '--listen', listen], { env: this.env(), stdio: ['ignore', 'pipe', 'pipe'] });
    let said = '';
    this.child.stderr!.on('data', (bytes: Buffer) => (said = (said + bytes.toString()).slice(-2_000)));
    for await (const line of createInterface({ input: this.child.stdout! })) {
      const ready = /ready on (http:\S+)/.exec(line);
      if (ready) {
        this.api = ready[1]!;
        return;
      }
    }
    throw new Error(`the daemon ended before it was ready: ${said}`);
  }

  /** As a power cut would. */
  async kill(): Promise<void> {
    const exit = once(this.child, 'exit');
    if (this.child.exitCode === null && this.child.signalCode === null) {
      this.child.kill('SIGKILL');
      await exit;
    }
  }

  /** On the same port, so that a page finds it again. */
  async startAgain(): Promise<void> {
    await this.up(new URL(this.api).host);
  }

  async stop(): Promise<void> {
    await this.kill();
    await rm(this.home, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
  }

  async token(): Promise<string> {
    return (await readFile(join(this.home, 'data', 'token'), 'utf8')).trim();
  }

  /** A verb of the command line; what it prints. */
  async verb(...args: string[]): Promise<string> {
    return (await run(this.program, args, { env: this.env(), cwd: this.home })).stdout.trim();
  }

  /** Gives it a goal whose agent does these steps; says the assignment's id. */
  async want(goal: string, steps: string, ...more: string[]): Promise<string> {
    const script = join(this.home, `${goal.replace(/\W+/g, '-')}.toml`);
    await writeFile(script, `[[turn]]\nsteps = [${steps}]\n`);
    const printed = await this.verb('run', goal, '--repo', this.repo, '--harness', 'simulated', '--script', script, '--no-review', '--detach', ...more);
    return /asg_[0-9a-z]+/.exec(printed)![0];
  }

  private env(): NodeJS.ProcessEnv {
    return {
      ...process.env,
      HOME: this.home,
      WINDLASS_DATA_DIR: join(this.home, 'data'),
      XDG_CONFIG_HOME: join(this.home, 'config'),
      LOG_LEVEL: 'error',
      ...(this.api ? { WINDLASS_URL: this.api } : {}),
    };
  }
}

/** Tests with `daemon` are left out, by name, where there is no program. */
export const test = base.extend<{ daemon: Daemon; site: string }>({
  // eslint-disable-next-line no-empty-pattern
  daemon: async ({}, use, info) => {
    if (!exe) info.skip(true, 'SKIPPED: WINDLASS_EXE names no windlass program');
    const daemon = await Daemon.start(exe!);
    await use(daemon);
    await daemon.stop();
  },
  /** Where the page is: the daemon's own, or, where that has none, this tree's before its API. */
  site: async ({ daemon }, use) => {
    const own = await (await fetch(daemon.api)).text();
    if (own.includes('csp-nonce')) {
      await use(daemon.api);
    } else {
      const front = await startFront(daemon.api);
      await use(front.url);
      await front.stop();
    }
  },
});
