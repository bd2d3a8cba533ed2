use super::*;
use clap::CommandFactory;

fn run(words: &str) -> RunOptions {
    let words = ["lupine", "run"]
        .into_iter()
        .chain(words.split_whitespace());
    match Cli::try_parse_from(words).unwrap().command {
        Command::Run(options) => *options,
        other => panic!("{other:?} is not run"),
    }
}

#[test]
fn the_definition_is_sound() {
    Cli::command().debug_assert();
}

#[test]
fn flags_of_building_verbs_may_follow_the_image() {
    let line = "lupine build redis -o DIR --tiny -- redis-server --port 1";
    let Command::Build(args) = Cli::parse_from(line.split(' ')).command else {
        panic!("not build");
    };
    assert_eq!(args.target.image, "redis");
    assert_eq!(args.target.command, ["redis-server", "--port", "1"]);
    assert!(args.options.kernel.tiny);
    assert_eq!(args.options.kernel.kml, None);
    for line in [
        "lupine config redis --explain EPOLL",
        "lupine config redis --diff nginx",
        "lupine kernel --format bzImage redis -o FILE",
        "lupine rootfs redis --fs erofs -o FILE",
    ] {
        Cli::try_parse_from(line.split(' ')).unwrap();
    }
}

#[test]
fn kml_stands_for_a_patch_set_and_features() {
    let kernel = run("--kml --tiny --feature smp --patch-set own redis")
        .build
        .kernel;
    assert_eq!(
        kernel.all_features(),
        ["tiny", "no-mitigations", "kml", "smp"]
    );
    assert_eq!(kernel.whole_source().patch_sets, ["own", "kml"]);
    assert_eq!(kernel.kml, Some(Kml::Jump));
    assert_eq!(run("--kml=call redis").build.kernel.kml, Some(Kml::Call));
    assert!(
        run("redis")
            .build
            .kernel
            .whole_source()
            .patch_sets
            .is_empty()
    );
}

#[test]
fn what_follows_the_image_belongs_to_the_command() {
    let options = run("-d --name x1 redis -d --rm --name y -- -p");
    let (image, command) = split_command(&options.image_and_command);
    assert!(options.detach && !options.rm);
    assert_eq!(options.name.as_deref(), Some("x1"));
    assert_eq!(image, "redis");
    assert_eq!(command, ["-d", "--rm", "--name", "y", "--", "-p"]);

    let options = run("redis -- --save");
    let (_, command) = split_command(&options.image_and_command);
    assert_eq!(command, ["--save"]);
}

#[test]
fn short_flags_combine_and_take_values_as_dockers_do() {
    let options = run("-it -p8080:80 -eA=1 -m1g -w/tmp -l k=v --option X=y redis sh");
    assert!(options.interactive && options.tty);
    assert_eq!(options.publish[0].host_port, 8080);
    assert_eq!(options.app.memory, Some(1024));
    assert_eq!(options.label, [("k".to_owned(), "v".to_owned())]);
    assert_eq!(
        options.build.kernel.options,
        [("CONFIG_X".to_owned(), "y".to_owned())]
    );
}

#[test]
fn an_argument_of_the_vmm_may_begin_with_a_hyphen() {
    let options = run("--vmm-arg -device --vmm-arg virtio-rng-device redis");
    assert_eq!(options.vmm_args, ["-device", "virtio-rng-device"]);
}

#[test]
fn an_unknown_flag_before_the_image_is_refused() {
    assert!(Cli::try_parse_from(["lupine", "run", "--bogus", "redis"]).is_err());
    assert!(Cli::try_parse_from(["lupine", "run", "-d"]).is_err());
}

#[test]
fn quiet_and_verbose_work_everywhere_and_not_together() {
    assert!(Cli::try_parse_from(["lupine", "ps", "-q"]).unwrap().quiet);
    assert!(
        Cli::try_parse_from(["lupine", "--verbose", "images"])
            .unwrap()
            .verbose
    );
    assert!(Cli::try_parse_from(["lupine", "ps", "-q", "--verbose"]).is_err());
}
