import { Button, Checkbox, Group, Select, Stack, TextInput } from '@mantine/core';
import { useNavigate } from '@tanstack/react-router';
import { useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';

import { putProject } from '@/api/projects';
import { asProblem, type ApiProblem } from '@/api/problem';
import type { Harness } from '@/api/types';
import { RefusedButton } from '@/parts/ConfirmButton';
import { Dialog } from '@/parts/Dialog';
import { filled } from '@/parts/forms';
import { HARNESSES } from '@/parts/harnesses';
import { ProblemAlert } from '@/parts/States';
import { useRefusal } from '@/shell/may';
import { say } from '@/shell/say';

/** Registers a repository. */
export default function AddProject({ known, close }: { known: string[]; close: () => void }) {
  const navigate = useNavigate();
  const queries = useQueryClient();
  const refusal = useRefusal('admin');
  const [name, setName] = useState('');
  const [repo, setRepo] = useState('');
  const [verify, setVerify] = useState('');
  const [harness, setHarness] = useState<Harness | null>(null);
  const [isProposing, setProposing] = useState(false);
  const [isAsked, setAsked] = useState(false);
  const [problem, setProblem] = useState<ApiProblem | null>(null);
  const wrongName = !filled(name) ? 'It needs a name.' : known.includes(name.trim()) ? 'There is one of that name.' : undefined;
  const wrongRepo = !filled(repo) ? 'An absolute path on the daemon’s machine, or an address.' : undefined;
  const send = async () => {
    setAsked(true);
    if (wrongName || wrongRepo || refusal) return;
    try {
      const settings = { verify: filled(verify), harness_defaults: harness ? { default: harness } : undefined, propose: isProposing || undefined };
      const { name: made } = await putProject(name.trim(), { repo: repo.trim(), settings });
      void queries.invalidateQueries({ queryKey: ['projects'] });
      say('Added');
      close();
      void navigate({ to: '/projects/$name', params: { name: made }, search: (old: { project?: string }) => ({ project: old.project }) });
    } catch (error) {
      setProblem(asProblem(error));
    }
  };
  return (
    <Dialog title="Add project" size="md" close={close} isKept={repo !== ''}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void send();
        }}
      >
        <Stack gap="sm">
          <TextInput label="Name" data-autofocus value={name} onChange={(event) => setName(event.currentTarget.value)} error={isAsked && wrongName} />
          <TextInput label="Repository" placeholder="/srv/src/shop" value={repo} onChange={(event) => setRepo(event.currentTarget.value)} error={isAsked && wrongRepo} />
          <TextInput label="Check that every change has to pass" placeholder="npm test" value={verify} onChange={(event) => setVerify(event.currentTarget.value)} />
          <Select label="Agent" placeholder="the daemon’s own" data={[...HARNESSES]} value={harness} onChange={(value) => setHarness(value as Harness | null)} clearable clearButtonProps={{ 'aria-label': 'The daemon’s own agent' }} />
          <Checkbox label="Propose its work as pull requests" checked={isProposing} onChange={(event) => setProposing(event.currentTarget.checked)} />
          {problem ? <ProblemAlert problem={problem} /> : null}
          <Group justify="flex-end" gap="xs">
            <Button onClick={close}>Cancel</Button>
            {refusal ? (
              <RefusedButton reason={refusal}>Add</RefusedButton>
            ) : (
              <Button type="submit" variant="filled">
                Add
              </Button>
            )}
          </Group>
        </Stack>
      </form>
    </Dialog>
  );
}
