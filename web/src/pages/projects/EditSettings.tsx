import { useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';

import { putProject, tagOf } from '@/api/projects';
import type { Project } from '@/api/types';
import { cleanLine } from '@/parts/clean';
import { FormDialog } from '@/parts/FormDialog';
import { useRefusal } from '@/shell/may';
import { say } from '@/shell/say';

import { dangersOf } from './dangers';
import classes from './projects.module.css';
import { formOf, problemsOf, settingsOf } from './settingsForm';
import { SettingsFields } from './SettingsFields';

/** Changes what a project's work is run with. What lets more through than before is said, and asked for once more. */
export default function EditSettings({ project, close }: { project: Project; close: () => void }) {
  const queries = useQueryClient();
  const refusal = useRefusal('admin');
  const [before] = useState({ repo: project.repo ?? '', settings: project.settings, tag: tagOf(project.name) });
  const [form, setForm] = useState(() => formOf(before.repo, before.settings));
  /** What was said to be dangerous, and may be sent now. */
  const [warned, setWarned] = useState('');
  const found = problemsOf(form);
  const isWrong = Object.keys(found).length > 0;
  const after = { repo: form.repo.trim(), settings: settingsOf(form, before.settings) };
  const dangers = isWrong ? [] : dangersOf(before, after);
  const words = dangers.join('\n');
  const isAsking = words !== '' && warned === words;
  const send = async () => {
    if (words !== '' && !isAsking) return setWarned(words);
    await putProject(project.name, after, before.tag);
    await Promise.all([queries.invalidateQueries({ queryKey: ['projects'] }), queries.invalidateQueries({ queryKey: ['project', project.name] })]);
    say('Changed: new jobs are run with it');
    close();
  };
  return (
    <FormDialog
      title={`Settings of ${cleanLine(project.name)}`}
      size="xl"
      close={close}
      isKept
      yes={isAsking ? 'Yes, change it so' : 'Change them'}
      isDanger={isAsking}
      refused={refusal}
      isWrong={isWrong}
      send={send}
    >
      {(isAsked) => (
        <>
          <SettingsFields form={form} set={(part) => setForm((old) => ({ ...old, ...part }))} wrong={isAsked ? found : {}} />
          {isAsking ? (
            <div className={classes.dangers} role="alert">
              <p>This lets more through than before:</p>
              <ul>
                {dangers.map((danger) => (
                  <li key={danger}>{cleanLine(danger)}</li>
                ))}
              </ul>
            </div>
          ) : null}
        </>
      )}
    </FormDialog>
  );
}
