import { Checkbox, TextInput } from '@mantine/core';
import { useState } from 'react';

import { restoreBackup, type Backup } from '@/api/engine';
import { FormDialog } from '@/parts/FormDialog';
import { filled } from '@/parts/forms';

import classes from './housekeeping.module.css';

/** Asks which backup is to be brought back, and says what that replaces and what happens then. */
export function RestoreDialog({ close, begun }: { close: () => void; begun: (backup: Backup) => void }) {
  const [path, setPath] = useState('');
  const [isSure, setSure] = useState(false);
  const isPath = filled(path)?.startsWith('/') ?? false;
  return (
    <FormDialog
      title="Bring a backup back"
      close={close}
      isKept={path !== ''}
      yes="Restore it"
      isDanger
      isWrong={!isPath || !isSure}
      send={async () => begun(await restoreBackup(path.trim(), isSure))}
    >
      {(isAsked) => (
        <>
          <TextInput
            label="The backup’s folder, on the daemon’s machine"
            placeholder="/var/backups/windlass-monday"
            data-autofocus
            value={path}
            onChange={(event) => setPath(event.currentTarget.value)}
            error={(path !== '' || isAsked) && !isPath ? 'an absolute path' : undefined}
            spellCheck={false}
          />
          <div>
            <p className={classes.first}>
              <b>What it replaces.</b> All that is here: projects, work and its jobs, transcripts, workspaces, events, people and tokens. It is moved aside, into a
              folder before-restore-… of the data directory and a hidden one beside the workspaces; nothing of it is deleted.
            </p>
            <ul className={classes.then}>
              <li>First every file of the backup is read and checked. Where one is wrong nothing changes, and that is said here.</li>
              <li>Then the daemon stops its agents, restores and starts again by itself. Should that fail, it goes on with what is here now.</li>
              <li>Jobs that ran when the backup was made run again, from their last pushed commit.</li>
              <li>Everybody signs in anew. What was revoked since the backup stays revoked, and the audit log goes on.</li>
            </ul>
          </div>
          <Checkbox
            label="Replace all that is here by the backup"
            checked={isSure}
            onChange={(event) => setSure(event.currentTarget.checked)}
            error={isAsked && !isSure ? 'nothing is restored without it' : undefined}
          />
        </>
      )}
    </FormDialog>
  );
}
