import { Button, PasswordInput, SegmentedControl, Stack, TextInput } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState, type FormEvent } from 'react';

import { signIn } from '@/api/commands';
import { asProblem } from '@/api/problem';
import type { SignInWith } from '@/api/types';
import { ProblemAlert } from '@/parts/States';

import { refusedEntry } from './entryWords';
import { linkProblem } from './loginLink';
import classes from './SignIn.module.css';

/** Asks who it is, wherever somebody came to without being signed in; afterwards they are there. */
export default function SignIn() {
  const queries = useQueryClient();
  const [way, setWay] = useState<'token' | 'password'>('token');
  // What the link of this visit came to is told until something else is tried.
  const [isLinkTold, setLinkTold] = useState(true);
  const [token, setToken] = useState('');
  const [name, setName] = useState('');
  const [password, setPassword] = useState('');
  const enter = useMutation({
    mutationFn: (body: SignInWith) => {
      // What was answered to somebody else is not for whoever comes in now.
      queries.clear();
      return signIn(body);
    },
  });
  const problem = enter.error ? refusedEntry(asProblem(enter.error), way) : isLinkTold && linkProblem ? refusedEntry(linkProblem, 'link') : null;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    enter.mutate(way === 'token' ? { token: token.trim() } : { name: name.trim(), password });
  };
  return (
    <main className={classes.screen}>
      <form className={classes.card} onSubmit={submit}>
        <h1 className={classes.title}>Sign in to Windlass</h1>
        <p className={classes.text}>
          On the daemon's machine, <code>windlass open</code> signs you in with a link that works once.
        </p>
        <Stack gap="sm">
          <SegmentedControl
            fullWidth
            size="xs"
            aria-label="How to sign in"
            value={way}
            onChange={(value) => {
              setWay(value as typeof way);
              setLinkTold(false);
              enter.reset();
            }}
            data={[
              { value: 'token', label: 'Token' },
              { value: 'password', label: 'Name and password' },
            ]}
          />
          {way === 'token' ? (
            <PasswordInput
              label="Token"
              description="Of the file token in the data directory"
              value={token}
              onChange={(event) => setToken(event.currentTarget.value)}
              autoComplete="current-password"
              autoFocus
              required
            />
          ) : (
            <>
              <TextInput
                size="sm"
                label="Name"
                value={name}
                onChange={(event) => setName(event.currentTarget.value)}
                autoComplete="username"
                autoFocus
                required
              />
              <PasswordInput
                label="Password"
                value={password}
                onChange={(event) => setPassword(event.currentTarget.value)}
                autoComplete="current-password"
                required
              />
            </>
          )}
          {problem ? <ProblemAlert problem={problem} /> : null}
          <Button type="submit" variant="filled" size="sm" loading={enter.isPending}>
            Sign in
          </Button>
        </Stack>
      </form>
    </main>
  );
}
