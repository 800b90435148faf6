import { Button, Group } from '@mantine/core';
import { useQueryClient } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { useState } from 'react';

import { approveJob, continueAssignment, retryJob } from '@/api/commands';
import { asProblem, type ApiProblem } from '@/api/problem';
import { assignment as assignmentOf } from '@/api/queries';
import type { AssignmentDetail, Need } from '@/api/types';
import { ActButton } from '@/parts/ActButton';
import { RefusedButton } from '@/parts/ConfirmButton';
import { ProblemAlert } from '@/parts/States';
import { verbPlaces } from '@/parts/verbPlaces';
import { late } from '@/shell/late';
import { useRefusal } from '@/shell/may';
import { keepProject } from '@/shell/project';

import { LET_THROUGH } from '../assignment/endWords';
import { answersTo, type NeedAnswer } from './answers';
import { useBlocked } from './blocked';
import classes from './inbox.module.css';

const Dialogs = late(() => import('../assignment/Dialogs'));

/** What a person can do about it where they read of it: what its assignment's page offers, too. */
export function NeedActions({ need }: { need: Need }) {
  const refusal = useRefusal('operate');
  const queries = useQueryClient();
  const navigate = useNavigate();
  const [dialog, setDialog] = useState<{ name: 'retry' | 'budget'; assignment: AssignmentDetail } | null>(null);
  const [problem, setProblem] = useState<ApiProblem | null>(null);
  const { job_id: job, assignment_id: id } = need;
  const blocked = useBlocked(need);

  const open = async (name: 'retry' | 'budget') => {
    try {
      setDialog({ name, assignment: await queries.fetchQuery(assignmentOf(id ?? '')) });
    } catch (error) {
      setProblem(asProblem(error));
    }
  };
  const opens = (word: string, name: 'retry' | 'budget') =>
    refusal ? <RefusedButton key={name} reason={refusal}>{word}</RefusedButton> : <Button key={name} onClick={() => void open(name)}>{word}</Button>;
  const button = (answer: NeedAnswer) => {
    switch (answer) {
      case 'approve':
        return (
          <ActButton key={answer} done="Let through; the job goes on" act={() => approveJob(job!)} refused={refusal} onRefusal={setProblem} confirm={{ question: LET_THROUGH, yes: 'Let it through' }}>
            Approve…
          </ActButton>
        );
      case 'retry':
        return (
          <ActButton key={answer} done="The job runs again" act={() => retryJob(job!)} refused={refusal} onRefusal={setProblem}>
            Retry the job
          </ActButton>
        );
      case 'edit':
        return opens('Edit and retry…', 'retry');
      case 'go on':
        return (
          <ActButton key={answer} done="It goes on" act={() => continueAssignment(id!)} refused={refusal} onRefusal={setProblem}>
            Done, go on
          </ActButton>
        );
      case 'budget':
        return opens('Change its budget…', 'budget');
      case 'output':
        return (
          <Button key={answer} onClick={() => void navigate({ to: '/jobs/$id', params: { id: job! }, search: keepProject })}>
            Open the output
          </Button>
        );
    }
  };
  const places = verbPlaces(need.action ?? '', need.project);
  return (
    <div className={classes.actions}>
      <Group gap={6}>
        {answersTo(need, blocked).map(button)}
        {places.map(({ label, path }) => (
          <Button key={path} onClick={() => void navigate({ href: path })}>
            {label}
          </Button>
        ))}
      </Group>
      {problem ? <ProblemAlert problem={problem} /> : null}
      {dialog ? <Dialogs name={dialog.name} assignment={dialog.assignment} failed={dialog.assignment.jobs.find((one) => one.id === job) ?? null} close={() => setDialog(null)} /> : null}
    </div>
  );
}
