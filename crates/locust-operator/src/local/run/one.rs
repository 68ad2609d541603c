//! One test: files, processes, results.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use jiff::Zoned;
use locust_core::local::{Bundle, Inputs};
use locust_core::locust::{Exit, Grade};
use locust_core::processes::Endpoint;

use super::drive::{Drive, Driven};
use super::{Options, RunError};
use crate::local::api::Api;
use crate::local::files::lay_out;
use crate::local::launcher::{Isolation, Launch, probe};
use crate::local::locust::{Locust, Machine, Wanted, find};
use crate::local::manifests::Loaded;
use crate::local::ports::Reserved;
use crate::local::prepare::{Prepared, hidden, prepare};
use crate::local::private::PrivateDirectory;
use crate::local::results::{RunInfo, conclude, summary, write};
use crate::local::signals::Signals;
use crate::local::supervise::{Fleet, ProcessId};
use crate::local::view::View;

/// A test to be run.
pub(super) struct Run<'a> {
    pub(super) loaded: &'a Loaded,
    pub(super) bundle: &'a Bundle,
    pub(super) options: &'a Options,
    /// No other test is run.
    pub(super) is_alone: bool,
}

impl Run<'_> {
    /// Runs the test; returns the exit code.
    pub(super) async fn play(&self, signals: &mut Signals) -> Result<u8, RunError> {
        let master_port = Reserved::new(None).map_err(RunError::io("find a free port"))?;
        let web_port = self.web_port()?;
        let endpoint = Endpoint {
            master_port: master_port.port(),
            web_port: web_port.port(),
        };
        let prepared = prepare(self.loaded, self.bundle, &self.options.changes, endpoint)
            .map_err(RunError::Faults)?;
        let locust = tokio::select! {
            locust = self.locust(&prepared) => locust?,
            () = signals.next() => return Err(RunError::Interrupted),
        };
        self.say_first(&prepared, &locust);
        let private = PrivateDirectory::new(&Machine::of_environment().cache)
            .map_err(RunError::io("make a private directory"))?;
        let launches = self.launches(&prepared, &locust, private.path()).await?;
        let output = self.output()?;
        let logs = output.join("logs");
        fs::create_dir_all(&logs).map_err(RunError::io(format!("make {}", logs.display())))?;

        let mut fleet = Fleet::default();
        for (id, launch) in &launches {
            fleet.start(*id, launch, &logs)?;
        }
        let api = Api::new(prepared.web_port, &prepared.base_path);
        let drive = Drive {
            prepared: &prepared,
            api: &api,
            view: View::on_stderr(),
        };
        let driven = drive.play(&mut fleet, signals).await;
        // Whatever happened, nothing of this run goes on.
        fleet.kill().await;
        self.results(&prepared, locust.version, driven, &output)
    }

    fn web_port(&self) -> Result<Reserved, RunError> {
        let wanted = self.options.web_port;
        Reserved::new(wanted).map_err(|source| match wanted {
            Some(port) if source.kind() == std::io::ErrorKind::AddrInUse => {
                RunError::PortInUse { port }
            }
            Some(_) | None => RunError::io("find a free port")(source),
        })
    }

    async fn locust(&self, prepared: &Prepared) -> Result<Locust, RunError> {
        let wanted = Wanted {
            program: self.options.locust.as_deref(),
            image: &prepared.image,
            consent: self.options.consent.clone(),
            machine: Machine::of_environment(),
        };
        let mut locust = find(&wanted).await?;
        // Processes start in a directory of their own.
        locust.program = std::path::absolute(&locust.program)
            .map_err(RunError::io(format!("find {}", locust.program.display())))?;
        Ok(locust)
    }

    fn say_first(&self, prepared: &Prepared, locust: &Locust) {
        let (name, workers) = (&prepared.name, prepared.workers());
        for note in locust.note.iter().chain(&prepared.notes) {
            eprintln!("note: {note}");
        }
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        if workers > cores {
            eprintln!(
                "hint: {workers} workers share {cores} cores and measure each other; \
                 --workers {cores} loads as much with less"
            );
        }
        let url = Api::new(prepared.web_port, &prepared.base_path);
        let url = url.web_ui();
        let version = &locust.version;
        eprintln!("{name}: Locust {version}, 1 master and {workers} workers, web UI {url}");
        if !prepared.autostart {
            eprintln!("{name}: spec.master.autostart is false: start the load in the web UI");
        }
    }

    /// What to start, with its files in place.
    async fn launches(
        &self,
        prepared: &Prepared,
        locust: &Locust,
        private: &Path,
    ) -> Result<Vec<(ProcessId, Launch)>, RunError> {
        let program = fs::canonicalize(&locust.program).unwrap_or_else(|_| locust.program.clone());
        if let Some(path) = hidden(prepared, &[private, &locust.program, &program]) {
            let what = format!(
                "nothing can be mounted at {path}: Locust, or what this run keeps, is in there"
            );
            return Err(RunError::Asked { what });
        }
        let mut launches = Vec::new();
        for (id, inputs) in &prepared.processes {
            let own = private.join(id.file_stem());
            let launch = place(&own, &locust.program, inputs)
                .map_err(RunError::io(format!("write the files of {id}")))?;
            launches.push((*id, launch));
        }
        // Master and workers may differ in their mounts; the workers are alike.
        let (mut isolation, mut reason) = (Isolation::Full, None);
        for (_, placed) in launches.iter_mut().take(2) {
            placed.0.isolation = isolation;
            let (possible, stood_in_the_way) = probe(&placed.0).await;
            isolation = possible;
            reason = stood_in_the_way.or(reason);
        }
        if isolation == Isolation::None {
            say_mapped(
                launches.iter().map(|(_, placed)| &placed.0),
                reason.as_deref(),
            );
        }
        Ok(launches
            .into_iter()
            .map(|(id, placed)| (id, placed.with(isolation)))
            .collect())
    }

    fn output(&self) -> Result<PathBuf, RunError> {
        let name = self.loaded.name();
        let path = match &self.options.output {
            Some(path) if self.is_alone => path.clone(),
            Some(path) => path.join(name),
            None => {
                let time = Zoned::now().strftime("%Y%m%d-%H%M%S");
                PathBuf::from(format!("locust-results/{name}-{time}"))
            }
        };
        fs::create_dir_all(&path)
            .and_then(|()| fs::canonicalize(&path))
            .map_err(RunError::io(format!("make {}", path.display())))
    }

    fn results(
        &self,
        prepared: &Prepared,
        locust_version: String,
        driven: Driven,
        output: &Path,
    ) -> Result<u8, RunError> {
        let test = prepared.name.clone();
        let (followed, exit, master) = match driven {
            Driven::Followed {
                followed,
                exit,
                master,
            } => (followed, exit, master),
            Driven::Died(died) => return Err(RunError::Died { test, died }),
            Driven::Killed => return Err(RunError::Interrupted),
        };
        let expected_workers = u64::try_from(prepared.workers()).unwrap_or(u64::MAX);
        let info = RunInfo {
            test: test.clone(),
            locust_version,
            expected_workers,
            wanted_workers: (!prepared.limits.may_lack_workers).then_some(expected_workers),
            exit: exit.unwrap_or(Exit::Signal(9)),
        };
        let (conclusion, document) = conclude(&info, &followed);
        if let (Grade::NotRun, Some(died)) = (conclusion.grade, master) {
            return Err(RunError::Died { test, died });
        }
        write(output, &document, &followed)?;
        print!("{}", summary(&document, comfy_table::Table::new().width()));
        println!("results: {}", output.display());
        println!("report: {}", output.join("summary.html").display());
        Ok(conclusion.grade.exit_code())
    }
}

/// A process that is ready to be started, and its paths without mounts.
struct Placed(Launch, locust_core::local::Remap);

impl Placed {
    fn with(self, isolation: Isolation) -> Launch {
        let Self(launch, remap) = self;
        if isolation != Isolation::None {
            return Launch {
                isolation,
                ..launch
            };
        }
        let map = |text: &String| remap.apply(text);
        Launch {
            isolation,
            args: launch.args.iter().map(map).collect(),
            env: launch
                .env
                .iter()
                .map(|(name, value)| (name.clone(), remap.apply(value)))
                .collect(),
            ..launch
        }
    }
}

fn place(own: &Path, program: &Path, inputs: &Inputs) -> std::io::Result<Placed> {
    let [files, cwd, scratch] = ["files", "cwd", "root"].map(|name| own.join(name));
    for directory in [&files, &cwd, &scratch] {
        fs::create_dir_all(directory)?;
    }
    let laid = lay_out(&files, &inputs.mounts)?;
    let launch = Launch {
        isolation: Isolation::Full,
        program: program.to_owned(),
        args: inputs.args.clone(),
        env: environment(inputs),
        cwd,
        scratch,
        binds: laid.binds,
    };
    Ok(Placed(launch, laid.remap))
}

/// The person's own environment, so that proxies and certificates are found,
/// and the test's, which wins. What is meant for a Locust that the person
/// starts by hand would change the test.
fn environment(inputs: &Inputs) -> Vec<(String, String)> {
    let mut env: BTreeMap<String, String> = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .filter(|(name, _)| !name.starts_with("LOCUST_"))
        .collect();
    // As in Locust's image; without it logs arrive late.
    env.insert("PYTHONUNBUFFERED".to_owned(), "1".to_owned());
    env.extend(inputs.env.iter().cloned());
    env.into_iter().collect()
}

fn say_mapped<'a>(launches: impl Iterator<Item = &'a Launch>, reason: Option<&str>) {
    let paths: BTreeSet<String> = launches
        .flat_map(|launch| &launch.binds)
        .map(|bind| bind.target.display().to_string())
        .collect();
    if paths.is_empty() {
        return;
    }
    let paths: Vec<String> = paths.into_iter().collect();
    let reason = reason.unwrap_or("it does not say why");
    eprintln!(
        "note: this machine allows no private mounts ({reason}), so {} is replaced by the path of \
         a copy in arguments and variables; the locustfile itself must not name it",
        paths.join(", ")
    );
}
