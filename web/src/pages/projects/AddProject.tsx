import { Checkbox, TextInput } from '@mantine/core';
import { useQueryClient } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { useState } from 'react';

import { putProject } from '@/api/projects';
import type { Harness } from '@/api/types';
import { AgentSelect } from '@/parts/AgentFields';
import { FormDialog } from '@/parts/FormDialog';
import { filled } from '@/parts/forms';
import { useRefusal } from '@/shell/may';
import { keepProject } from '@/shell/project';
import { say } from '@/shell/say';

import { repositoryProblem } from './settingsForm';

/** Registers a repository. */
export default function AddProject({ known, close }: { known: string[]; close: () => void }) {
  const navigate = useNavigate();
  const queries = useQueryClient();
  const refusal = useRefusal('admin');
  const [name, setName] = useState('');
  const [repo, setRepo] = useState('');
  const [verify, setVerify] = useState('');
  const [harness, setHarness] = useState<Harness | ''>('');
  const [isProposing, setProposing] = useState(false);
  const wrongName = !filled(name) ? 'It needs a name.' : known.includes(name.trim()) ? 'There is one of that name.' : undefined;
  const wrongRepo = repositoryProblem(repo);
  const send = async () => {
    const settings = { verify: filled(verify), harness_defaults: harness ? { default: harness } : undefined, propose: isProposing || undefined };
    const { name: made } = await putProject(name.trim(), { repo: repo.trim(), settings });
    void queries.invalidateQueries({ queryKey: ['projects'] });
    say('Added');
    close();
    void navigate({ to: '/projects/$name', params: { name: made }, search: keepProject });
  };
  return (
    <FormDialog title="Add project" size="md" close={close} isKept={repo !== ''} yes="Add" refused={refusal} isWrong={Boolean(wrongName ?? wrongRepo)} send={send}>
      {(isAsked) => (
        <>
          <TextInput label="Name" data-autofocus value={name} onChange={(event) => setName(event.currentTarget.value)} error={isAsked && wrongName} />
          <TextInput label="Repository" placeholder="/srv/src/shop" value={repo} onChange={(event) => setRepo(event.currentTarget.value)} error={isAsked && wrongRepo} />
          <TextInput label="Check that every change has to pass" placeholder="npm test" value={verify} onChange={(event) => setVerify(event.currentTarget.value)} />
          <AgentSelect value={harness} onChange={setHarness} own="the daemon’s own" />
          <Checkbox label="Propose its work as pull requests" checked={isProposing} onChange={(event) => setProposing(event.currentTarget.checked)} />
        </>
      )}
    </FormDialog>
  );
}
