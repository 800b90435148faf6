//! Task files: once each, whatever happens between the file and the row.

use windlass_store::{NewTask, TaskTaken};
use windlass_types::{JobSpec, JobType, Task, TaskStatus};

use crate::support::*;

fn task(id: &str, key: &str) -> NewTask {
    NewTask {
        key: key.to_owned(),
        worker: "marie".to_owned(),
        task_id: id.to_owned(),
        file: Some(format!("{id}.json")),
        content: format!("content of {id}"),
        body: format!("{{\"task_id\":\"{id}\"}}"),
        work: Some(windlass_store::Submission {
            key: Some(key.to_owned()),
            source: "file".to_owned(),
            ..wish(vec![JobSpec { worker: Some("default".to_owned()), ..spec(JobType::Implement) }])
        }),
        told: None,
    }
}

fn outside(id: &str, key: &str) -> NewTask {
    NewTask { work: None, ..task(id, key) }
}

async fn take(f: &Fixture, new: NewTask) -> TaskTaken {
    f.store.take_tasks(vec![new]).await.expect("answered").remove(0)
}

async fn taken(f: &Fixture, new: NewTask) -> Task {
    match take(f, new).await {
        TaskTaken::New(task) => task,
        other => panic!("{other:?}"),
    }
}

on_both! {
    async fn a_task_is_taken_with_its_assignment_in_one_go(f: Fixture) {
        let made = taken(&f, task("a", "k1")).await;
        let line = f.store.line(made.assignment_id.unwrap()).await.unwrap();
        assert_eq!((line.len(), made.status), (1, TaskStatus::Live));
        assert_eq!(f.store.live_tasks(None).await.unwrap(), std::slice::from_ref(&made));
        assert_eq!(f.store.task_of(made.assignment_id.unwrap()).await.unwrap(), Some(made));
    }

    async fn the_same_file_is_taken_once_however_often_it_is_seen(f: Fixture) {
        let made = taken(&f, task("a", "k1")).await;
        assert_eq!(take(&f, task("a", "k1")).await, TaskTaken::Known(made.clone()));
        assert_eq!(take(&f, task("a", "touched")).await, TaskTaken::Known(made.clone()), "the same name and content while it lives");
        f.store.tasks_done(vec![made.key.clone()]).await.unwrap();
        let TaskTaken::Known(known) = take(&f, task("a", "k1")).await else { panic!("known") };
        assert_eq!(known.status, TaskStatus::Done);
        assert_eq!(f.store.counts().await.unwrap().jobs.values().sum::<u64>(), 1);
    }

    async fn a_live_id_with_another_content_or_case_is_refused_and_stops_no_other(f: Fixture) {
        taken(&f, task("a", "k1")).await;
        let other = NewTask { content: "other".to_owned(), ..task("a", "k2") };
        let answers = f.store.take_tasks(vec![other, task("A", "k3"), task("b", "k4"), task("../b", "k5")]).await.unwrap();
        let words: Vec<_> = answers.iter().map(|a| match a {
            TaskTaken::New(_) => "new",
            TaskTaken::Known(_) => "known",
            TaskTaken::Ending => "ending",
            TaskTaken::Refused(_) => "refused",
        }).collect();
        assert_eq!(words, ["refused", "refused", "new", "refused"]);
        let elsewhere = NewTask { worker: "anga".to_owned(), ..task("a", "k6") };
        taken(&f, elsewhere).await;
    }

    async fn a_finished_id_dropped_again_runs_again(f: Fixture) {
        let first = taken(&f, task("a", "k1")).await;
        let claimed = claim_one(&f.store).await;
        f.store.settle(end(&claimed, windlass_types::AttemptResult::Succeeded)).await.unwrap();
        assert_eq!(f.store.ended_tasks(10).await.unwrap(), std::slice::from_ref(&first));
        let again = NewTask { content: "again".to_owned(), ..task("a", "k2") };
        assert_eq!(take(&f, again.clone()).await, TaskTaken::Ending, "its result is not on disk yet");
        f.store.tasks_done(vec![first.key.clone()]).await.unwrap();
        assert!(f.store.ended_tasks(10).await.unwrap().is_empty());
        f.age_jobs(1).await;
        let second = taken(&f, again).await;
        assert_ne!(second.assignment_id, first.assignment_id);
        assert_eq!(f.store.task_of(second.assignment_id.unwrap()).await.unwrap(), Some(second));
    }

    async fn a_task_of_an_unknown_project_is_refused_and_leaves_nothing(f: Fixture) {
        let mut new = task("a", "k1");
        new.work.as_mut().unwrap().project = String::from("nowhere");
        assert!(matches!(take(&f, new).await, TaskTaken::Refused(why) if why.contains("nowhere")));
        assert!(f.store.live_tasks(None).await.unwrap().is_empty());
    }

    async fn an_outside_executors_failed_try_is_counted_once_and_survives_a_restart(f: Fixture) {
        let made = taken(&f, outside("a", "k1")).await;
        assert_eq!(made.assignment_id, None);
        let due = Some(START.plus_ms(5));
        let counted = f.store.count_task_try(made.key.clone(), "w1".to_owned(), "exit 1".to_owned(), due).await.unwrap().unwrap();
        assert_eq!((counted.tries.len(), counted.due_at), (1, due));
        assert_eq!(f.store.count_task_try(made.key.clone(), "w1".to_owned(), "exit 1".to_owned(), due).await.unwrap(), None);
        let again = f.again().await;
        assert_eq!(again.due_tasks().await.unwrap().len(), 1);
        again.task_rewritten(made.key.clone()).await.unwrap();
        assert!(again.due_tasks().await.unwrap().is_empty());
        assert_eq!(again.outside_tasks("A".to_owned()).await.unwrap()[0].tries.len(), 1);
        again.tasks_done(vec![made.key.clone()]).await.unwrap();
        assert_eq!(again.outside_tasks("a".to_owned()).await.unwrap(), []);
    }

    async fn done_tasks_without_an_assignment_go_when_they_are_old_and_others_stay(f: Fixture) {
        let (done, live) = (taken(&f, outside("a", "k1")).await, taken(&f, outside("b", "k2")).await);
        let with_assignment = taken(&f, task("c", "k3")).await;
        f.store.tasks_done(vec![done.key.clone(), with_assignment.key.clone()]).await.unwrap();
        assert_eq!(f.store.prune_tasks(windlass_types::Timestamp(1)).await.unwrap(), 0, "it is not that old");
        assert_eq!(f.store.prune_tasks(windlass_types::Timestamp(1 << 46)).await.unwrap(), 1);
        assert_eq!(f.store.live_tasks(None).await.unwrap(), std::slice::from_ref(&live));
        assert!(f.store.task_of(with_assignment.assignment_id.unwrap()).await.unwrap().is_some());
        taken(&f, outside("a", "k1")).await;
    }

    async fn a_file_that_could_not_be_removed_is_known_until_it_is_gone(f: Fixture) {
        let made = taken(&f, outside("a", "k1")).await;
        f.store.task_kept(made.key.clone(), Some("inode 7".to_owned())).await.unwrap();
        assert!(f.store.kept_tasks().await.unwrap().is_empty(), "it is not done");
        f.store.tasks_done(vec![made.key.clone()]).await.unwrap();
        f.store.task_kept(made.key.clone(), Some("inode 7".to_owned())).await.unwrap();
        let again = f.again().await;
        let kept = again.kept_tasks().await.unwrap();
        assert_eq!((kept.len(), kept[0].0.as_str(), kept[0].1.task_id.as_str()), (1, "inode 7", "a"));
        assert_eq!(again.prune_tasks(windlass_types::Timestamp(1 << 46)).await.unwrap(), 0, "it lies there still");
        again.task_kept(made.key.clone(), None).await.unwrap();
        assert!(again.kept_tasks().await.unwrap().is_empty());
        assert_eq!(again.prune_tasks(windlass_types::Timestamp(1 << 46)).await.unwrap(), 1);
    }

    async fn an_id_may_be_that_of_two_workers_outside_tasks_and_a_word_about_neither_is_not_counted_later(f: Fixture) {
        let first = taken(&f, outside("a", "k1")).await;
        let second = taken(&f, NewTask { worker: "anga".to_owned(), ..outside("a", "k2") }).await;
        let mut keys: Vec<_> = f.store.outside_tasks("a".to_owned()).await.unwrap().into_iter().map(|t| t.key).collect();
        keys.sort();
        assert_eq!(keys, [first.key.clone(), second.key]);
        f.store.task_told(first.key.clone(), "w1".to_owned()).await.unwrap();
        f.store.task_renamed(first.key.clone(), "other.json".to_owned()).await.unwrap();
        let counted = f.store.count_task_try(first.key.clone(), "w1".to_owned(), "exit 1".to_owned(), None).await.unwrap();
        assert_eq!(counted, None);
        let of = |tasks: Vec<Task>| tasks.into_iter().find(|t| t.key == first.key).unwrap();
        let now = of(f.store.outside_tasks("a".to_owned()).await.unwrap());
        assert_eq!((now.file.as_deref(), now.tries.len()), (Some("other.json"), 0));
    }

    async fn an_outcome_holds_the_attempts_and_the_exit_code_of_the_work(f: Fixture) {
        let made = taken(&f, task("a", "k1")).await;
        let claimed = claim_one(&f.store).await;
        let (job, token, attempt) = (claimed.job.id, claimed.token, claimed.attempt.id);
        let run = windlass_types::Stage::Run;
        let stages = vec![began(1, run), passed(1, run, serde_json::json!({"exit_code": 3}))];
        f.store.note_stages(job, token, attempt, stages, None).await.unwrap();
        f.store.settle(end(&claimed, windlass_types::AttemptResult::Succeeded)).await.unwrap();
        let outcome = f.store.task_outcome(made.assignment_id.unwrap()).await.unwrap();
        assert_eq!((outcome.jobs.len(), outcome.attempts.len(), outcome.exit_code), (1, 1, Some(3)));
    }
}
