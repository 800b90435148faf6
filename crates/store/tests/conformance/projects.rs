//! Projects: made, changed, found, trusted.

use windlass_store::StoreError;
use windlass_types::{ProjectSettings, SCRATCH};

use crate::support::*;

on_both! {
    async fn the_built_in_project_is_there_and_keeps_its_name(f: Fixture) {
        assert!(f.store.project(SCRATCH).await.unwrap().is_some_and(|p| p.repo.is_none()));
        let refused = f.store.put_project(SCRATCH.to_owned(), Some("/srv/a".to_owned()), None, ProjectSettings::default()).await;
        assert!(matches!(refused, Err(StoreError::Invalid(_))));
    }

    async fn a_project_is_made_then_changed_and_stays_trusted(f: Fixture) {
        let settings = ProjectSettings { verify: Some("make check".to_owned()), ..ProjectSettings::default() };
        let made = f.store.put_project("app".to_owned(), Some("/srv/app".to_owned()), Some("main".to_owned()), settings.clone()).await.unwrap();
        assert_eq!((made.settings.clone(), made.default_branch.as_deref()), (settings, Some("main")));
        assert_eq!(f.store.project_by_repo("/srv/app").await.unwrap().as_ref(), Some(&made));
        assert_eq!(f.store.trust_project("app", Some("hash".to_owned())).await.unwrap().trusted.as_deref(), Some("hash"));
        let changed = f.store.put_project("app".to_owned(), Some("/srv/b".to_owned()), None, ProjectSettings::default()).await.unwrap();
        assert_eq!((changed.trusted.as_deref(), changed.created_at), (Some("hash"), made.created_at));
        assert_eq!(f.store.project_by_repo("/srv/app").await.unwrap(), None);
        assert_eq!(f.store.projects().await.unwrap().iter().map(|p| p.name.as_str()).collect::<Vec<_>>(), ["app", SCRATCH]);
        assert_eq!(f.store.trust_project("app", None).await.unwrap().trusted, None);
    }

    async fn a_project_that_changed_since_it_was_seen_is_not_changed(f: Fixture) {
        let put = async |limit| {
            let settings = ProjectSettings { max_concurrent: Some(limit), ..ProjectSettings::default() };
            f.store.put_project("app".to_owned(), None, None, settings).await.unwrap()
        };
        let seen = put(1).await;
        let settings = ProjectSettings { max_concurrent: Some(2), ..ProjectSettings::default() };
        let changed = f.store.change_project(seen.clone(), None, None, settings.clone()).await.unwrap();
        assert_eq!(changed.settings, settings);
        assert!(matches!(f.store.change_project(seen, None, None, ProjectSettings::default()).await, Err(StoreError::Changed(_))));
        assert_eq!(f.store.project("app").await.unwrap(), Some(changed));
    }

    async fn a_name_that_could_be_a_path_is_refused(f: Fixture) {
        for name in ["", "..", "a/b", "-x", "a\0b"] {
            let refused = f.store.put_project(name.to_owned(), None, None, ProjectSettings::default()).await;
            assert!(matches!(refused, Err(StoreError::Invalid(_))), "{name:?}");
        }
    }
}
