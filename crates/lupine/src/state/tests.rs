use super::*;

fn state() -> (tempfile::TempDir, State) {
    let dir = tempfile::tempdir().unwrap();
    let state = State::at(dir.path()).unwrap();
    (dir, state)
}

#[test]
fn a_guest_lives_as_long_as_its_lock_is_held() {
    let (_dir, state) = state();
    let Created {
        dir,
        lock,
        mut record,
        ..
    } = state.create(Some("one"), Record::new).unwrap();
    assert!(dir.is_live().unwrap());
    assert!(state.find("one").unwrap().live);
    record.phase = Phase::Running;
    record.write(&dir.path).unwrap();
    drop(lock);
    let found = state.find("one").unwrap();
    let record = found.record().unwrap();
    assert_eq!(record.phase, Phase::Dead);
    assert_eq!(record.end.as_ref().unwrap().text, "monitor killed");
}

#[test]
fn a_name_is_refused_while_a_record_has_it() {
    let (_dir, state) = state();
    let Created {
        dir,
        lock,
        mut record,
        ..
    } = state.create(Some("one"), Record::new).unwrap();
    let error = state.create(Some("one"), Record::new).unwrap_err();
    assert!(error.to_string().contains("is running"), "{error}");
    record.phase = Phase::Exited;
    record.started_ms = Some(1);
    record.write(&dir.path).unwrap();
    drop(lock);
    let error = state.create(Some("one"), Record::new).unwrap_err();
    assert!(error.to_string().contains("has exited"), "{error}");
    state.remove(&dir).unwrap();
    state.create(Some("one"), Record::new).unwrap();
}

#[test]
fn a_running_guest_is_not_removed() {
    let (_dir, state) = state();
    let Created { dir, lock, .. } = state.create(Some("one"), Record::new).unwrap();
    assert!(matches!(
        state.remove(&dir),
        Err(StateError::Running { .. })
    ));
    drop(lock);
    state.remove(&dir).unwrap();
    assert!(matches!(
        state.find("one"),
        Err(StateError::NoSuchGuest { .. })
    ));
}

#[test]
fn one_damaged_record_does_not_hide_the_others() {
    let (_dir, state) = state();
    let bad = state.create(Some("bad"), Record::new).unwrap().dir;
    let _good = state.create(Some("good"), Record::new).unwrap();
    fs::write(bad.path.join("guest.json"), "{").unwrap();
    let found = state.list().unwrap();
    assert_eq!(found.len(), 2);
    assert!(found[0].record.is_err() && found[1].record.is_ok());
    state.remove(&bad).unwrap();
}

#[test]
fn names_that_are_paths_find_nothing() {
    let (_dir, state) = state();
    for name in ["..", "../guests", "a/b", ""] {
        assert!(
            matches!(state.find(name), Err(StateError::NoSuchGuest { .. })),
            "{name}"
        );
    }
}

#[test]
fn what_dead_processes_left_is_swept() {
    let (_dir, state) = state();
    fs::create_dir(state.guests().join(".new-x")).unwrap();
    fs::create_dir(state.guests().join(".gone-x-1")).unwrap();
    let remove = |name: &str| Record {
        remove: true,
        ..Record::new(name)
    };
    drop(state.create(Some("gone"), remove).unwrap());
    let _other = state.create(None, Record::new).unwrap();
    let left: Vec<_> = fs::read_dir(state.guests()).unwrap().collect();
    assert_eq!(left.len(), 1);
}

#[test]
fn many_at_once_get_different_names_and_one_gets_the_same() {
    let (_dir, state) = state();
    let won: usize = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..8)
            .map(|_| {
                scope.spawn(|| {
                    let made = state.create(None, Record::new).unwrap();
                    let same = state.create(Some("same"), Record::new);
                    (made.dir.name, same.is_ok(), same)
                })
            })
            .collect();
        let results: Vec<_> = threads.into_iter().map(|t| t.join().unwrap()).collect();
        let names: std::collections::BTreeSet<_> = results.iter().map(|r| &r.0).collect();
        assert_eq!(names.len(), 8);
        results.iter().filter(|r| r.1).count()
    });
    assert_eq!(won, 1);
}

#[test]
fn the_same_command_again_works_after_its_monitor_was_killed() {
    let (_dir, state) = state();
    drop(state.create(Some("one"), Record::new).unwrap());
    state.check_free("one").unwrap();
    assert!(state.create(Some("one"), Record::new).unwrap().replaced);
}
