//! The command line.

mod arguments;
mod output;
mod output_file;

use std::io::{IsTerminal, Read};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;
use std::{fs, io};

use clap::Parser;
use zeroize::Zeroizing;

use arguments::{
    AccountCommand, Arguments, CertificateCommand, Command, CrlCommand, DatabaseCommand, InitArguments,
    NetworkArguments, RequestCommand, ServeArguments,
};
use output::Output;
use output_file::OutputFile;

use crate::accounts::{Account, NtHash};
use crate::audit::Caller;
use crate::authority::{self, Authority, CreateError, CreateOptions};
use crate::configuration::{Configuration, ConfigurationError};
use crate::control::{Client, ConnectError, Reply, Request};
use crate::data_directory::{DataDirectory, LockError};
use crate::disposition::Disposition;
use crate::durable;
use crate::failure::{Code, Failure};
use crate::passphrase::{self, PassphraseError, Secret, Sources};
use crate::restore;
use crate::serve;

/// Runs the program.
pub fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let filter = tracing_subscriber::EnvFilter::try_from_env("CERTSRVD_LOG")
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("info"));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr).with_ansi(false).init();
    let output = Output { json: arguments.json };
    match run(&arguments, output) {
        Ok(code) => code,
        Err(failure) => {
            output.failure(&failure);
            ExitCode::from(failure.code.exit_code())
        }
    }
}

/// Name of the variable with the password of `account add`.
const PASSWORD_ENVIRONMENT: &str = "CERTSRVD_ACCOUNT_PASSWORD";
/// Where a CA is when nothing is said.
const DEFAULT_DATA_DIRECTORY: &str = "/var/lib/certsrvd";
/// Rows of one question; longer lists take several.
const PAGE: u32 = 1000;

fn run(arguments: &Arguments, output: Output) -> Result<ExitCode, Failure> {
    match &arguments.command {
        Command::Init(options) => init(arguments, options, output)?,
        Command::Serve(options) => run_server(arguments, options, output)?,
        Command::Account(AccountCommand::Add { name, roles, password_file }) => {
            let password = account_password(password_file.as_ref())?;
            let nt_hash = NtHash::of_password(&password);
            let account = Account { name: name.clone(), nt_hash, roles: roles.iter().copied().collect() };
            output.reply(&ask(arguments, None, Request::AccountAdd { account })?);
        }
        Command::Account(AccountCommand::List) => output.reply(&ask(arguments, None, Request::AccountList)?),
        Command::Account(AccountCommand::Remove { name }) => {
            output.reply(&ask(arguments, None, Request::AccountRemove { name: name.clone() })?);
        }
        Command::Request(RequestCommand::Submit { file, attributes, out, key }) => {
            let out = out.as_deref().map(OutputFile::new).transpose()?;
            let content = hex::encode(read_input(file)?);
            let request = Request::RequestSubmit { content, attributes: attributes.clone() };
            let reply = ask(arguments, key.passphrase_file.clone(), request)?;
            return submitted(&reply, out, output);
        }
        Command::Request(RequestCommand::List { disposition }) => {
            let mut all = Vec::new();
            let mut after = 0;
            loop {
                let request = Request::RequestList { disposition: *disposition, after, limit: PAGE };
                let Reply::Requests { requests } = ask(arguments, None, request)? else { return Err(unexpected()) };
                let Some(last) = requests.last() else { break };
                after = last.request_id;
                all.extend(requests);
            }
            output.reply(&Reply::Requests { requests: all });
        }
        Command::Request(RequestCommand::Approve { id, out, key }) => {
            let out = out.as_deref().map(OutputFile::new).transpose()?;
            let reply = ask(arguments, key.passphrase_file.clone(), Request::RequestApprove { id: *id })?;
            return submitted(&reply, out, output);
        }
        Command::Request(RequestCommand::Deny { id }) => {
            output.reply(&ask(arguments, None, Request::RequestDeny { id: *id })?);
        }
        Command::Certificate(CertificateCommand::List { disposition }) => {
            let mut all = Vec::new();
            let mut after = 0;
            loop {
                let request = Request::CertificateList { disposition: *disposition, after, limit: PAGE };
                let Reply::Certificates { certificates } = ask(arguments, None, request)? else {
                    return Err(unexpected());
                };
                let Some(last) = certificates.last() else { break };
                after = last.request_id;
                all.extend(certificates);
            }
            output.reply(&Reply::Certificates { certificates: all });
        }
        Command::Certificate(CertificateCommand::Show { serial, request }) => {
            let request = match request {
                Some(id) => Request::CertificateShow { serial: id.to_string(), by_request: true },
                None => Request::CertificateShow { serial: serial.clone().unwrap_or_default(), by_request: false },
            };
            output.reply(&ask(arguments, None, request)?);
        }
        Command::Certificate(CertificateCommand::Revoke { serial, reason, when, release }) => {
            let serial = serial.clone();
            let request = if *release {
                Request::CertificateRelease { serial }
            } else {
                Request::CertificateRevoke { serial, reason: *reason, when: when.clone() }
            };
            output.reply(&ask(arguments, None, request)?);
        }
        Command::Crl(CrlCommand::Publish { key }) => {
            output.reply(&ask(arguments, key.passphrase_file.clone(), Request::CrlPublish)?);
        }
        Command::Database(DatabaseCommand::Adopt) => adopt(arguments, output)?,
        Command::Status => output.reply(&ask(arguments, None, Request::Status)?),
    }
    Ok(ExitCode::SUCCESS)
}

/// A CA that has been found: where its files are and what its configuration says.
pub(crate) struct Place {
    /// Its files.
    pub(crate) directory: DataDirectory,
    /// Its configuration.
    pub(crate) configuration: Configuration,
}

impl Arguments {
    fn configuration_file(&self) -> PathBuf {
        match (&self.config, &self.data_dir) {
            (Some(file), _) => file.clone(),
            (None, Some(directory)) => DataDirectory::new(directory).configuration(),
            (None, None) => DataDirectory::new(DEFAULT_DATA_DIRECTORY).configuration(),
        }
    }

    fn data_directory(&self, configuration: &Configuration) -> DataDirectory {
        DataDirectory::new(match &self.data_dir {
            Some(directory) => directory.clone(),
            None => configuration.data_directory(&self.configuration_file()),
        })
    }

    fn find(&self) -> Result<Place, Failure> {
        let file = self.configuration_file();
        let configuration = match Configuration::load(&file) {
            Ok(configuration) => configuration,
            Err(error @ ConfigurationError::Missing { .. }) => {
                // An init that stopped before it wrote the configuration leaves its marker in the data directory.
                let directory = self.data_dir.clone().unwrap_or_else(|| durable::parent(&file).to_owned());
                check_complete(&DataDirectory::new(directory))?;
                return Err(
                    Failure::of(Code::NoAuthority, &error).hint("certsrvd init makes a certification authority")
                );
            }
            Err(error) => return Err(Failure::of(Code::Configuration, &error)),
        };
        let directory = self.data_directory(&configuration);
        check_complete(&directory)?;
        if !directory.certificate().exists() {
            let message = format!("there is no certification authority in {}", directory.root().display());
            return Err(Failure::new(Code::NoAuthority, message).hint("certsrvd init makes one"));
        }
        Ok(Place { directory, configuration })
    }
}

fn check_complete(directory: &DataDirectory) -> Result<(), Failure> {
    if authority::incomplete(directory) {
        return Err(incomplete(directory));
    }
    Ok(())
}

fn incomplete(directory: &DataDirectory) -> Failure {
    let message = format!("an earlier init in {} did not finish", directory.root().display());
    Failure::new(Code::Incomplete, message)
        .hint("certsrvd init --discard-incomplete removes what it has made and starts again; nothing was issued by it")
}

/// Asks the running server, or opens the data directory when there is none.
fn ask(arguments: &Arguments, passphrase_file: Option<PathBuf>, request: Request) -> Result<Reply, Failure> {
    let place = arguments.find()?;
    let socket = place.directory.control_socket();
    match Client::connect(&socket) {
        Ok(mut client) => return client.ask(&request),
        Err(ConnectError::NotRunning) => {}
        Err(error) => return Err(Failure::of(Code::Permissions, &error)),
    }
    let _lock = match place.directory.lock() {
        Ok(lock) => lock,
        // It may have started since.
        Err(error @ LockError::Held { .. }) => {
            return Client::connect(&socket).map_err(|_| lock_failure(&error))?.ask(&request);
        }
        Err(error) => return Err(lock_failure(&error)),
    };
    restore::refuse_pending(&place.directory)?;
    let issues_at_once =
        place.configuration.issuing.request_disposition == crate::configuration::RequestDisposition::Issue;
    let needs_key = request.needs_key() && (issues_at_once || !matches!(request, Request::RequestSubmit { .. }));
    let passphrase = if needs_key { Some(read_passphrase(passphrase_file, false)?) } else { None };
    let passphrase = passphrase.as_ref().map(|passphrase| passphrase.as_str());
    let authority = Authority::open(place.directory, place.configuration, passphrase);
    let authority = authority.map_err(|error| error.to_failure())?;
    authority.execute(&local_caller(), request).map_err(|error| error.to_failure())
}

fn init(arguments: &Arguments, options: &InitArguments, output: Output) -> Result<(), Failure> {
    let configuration_file = arguments.configuration_file();
    refuse_existing(arguments, &configuration_file)?;
    let mut configuration = match Configuration::load(&configuration_file) {
        Ok(configuration) => {
            if options.name.as_ref().is_some_and(|name| *name != configuration.authority.name) {
                let message = format!("{} has another name for the CA", configuration_file.display());
                return Err(Failure::new(Code::Configuration, message));
            }
            configuration
        }
        Err(ConfigurationError::Missing { .. }) => {
            let Some(name) = &options.name else {
                return Err(Failure::new(Code::Configuration, "a new CA needs a name: --name"));
            };
            crate::configuration::check_authority_name(name)
                .map_err(|problem| Failure::new(Code::Configuration, problem))?;
            let mut configuration = Configuration::for_authority(name);
            configuration.authority.signature_hash = options.signature_hash;
            apply_network(&mut configuration, &options.network)?;
            // The file is not in the data directory: it has to say where that is.
            if let (Some(_), Some(directory)) = (&arguments.config, &arguments.data_dir) {
                configuration.data_directory =
                    Some(std::path::absolute(directory).map_err(|error| Failure::of(Code::Internal, &error))?);
            }
            configuration
        }
        Err(error) => return Err(Failure::of(Code::Configuration, &error)),
    };
    let directory = arguments.data_directory(&configuration);
    let io = |error: io::Error| Failure::of(Code::Internal, &error);
    durable::create_directory(directory.root(), 0o755).map_err(io)?;
    let _lock = directory.lock().map_err(|error| lock_failure(&error))?;
    if authority::incomplete(&directory) {
        if !options.discard_incomplete {
            return Err(incomplete(&directory));
        }
        authority::discard_incomplete(&directory).map_err(|error| Failure::of(Code::Internal, &error))?;
        // The configuration may have been part of it.
        if !configuration_file.exists() && options.name.is_none() {
            return Err(Failure::new(Code::Configuration, "a new CA needs a name: --name"));
        }
    }
    let passphrase = read_passphrase(options.key.passphrase_file.clone(), true)?;
    if configuration_file.exists() {
        apply_network(&mut configuration, &NetworkArguments::default())?;
    }
    let caller = local_caller();
    let created = authority::create(CreateOptions {
        directory,
        configuration,
        configuration_file: configuration_file.clone(),
        key_type: options.key_type,
        validity: Duration::from_secs(u64::from(options.validity_days) * 86_400),
        passphrase: &passphrase,
        caller: &caller,
    });
    let authority = created.map_err(|error| match error {
        CreateError::Exists { .. } => {
            Failure::of(Code::Exists, &error).hint("init never overwrites; choose another directory")
        }
        CreateError::Incomplete { .. } => Failure::of(Code::Incomplete, &error),
        CreateError::Authority(error) => error.to_failure(),
        other => Failure::of(Code::Internal, &other),
    })?;
    let status = authority.status().map_err(|error| error.to_failure())?;
    output.created(&status, &authority, &configuration_file);
    Ok(())
}

/// Says that there is a CA before anything else can be said about the arguments.
fn refuse_existing(arguments: &Arguments, configuration_file: &Path) -> Result<(), Failure> {
    let directory = match Configuration::load(configuration_file) {
        Ok(configuration) => arguments.data_directory(&configuration),
        Err(_) => DataDirectory::new(
            arguments.data_dir.clone().unwrap_or_else(|| durable::parent(configuration_file).to_owned()),
        ),
    };
    if directory.certificate().exists() && !authority::incomplete(&directory) {
        let message =
            format!("there is a certification authority in {}; nothing was changed", directory.root().display());
        return Err(Failure::new(Code::Exists, message).hint("init never overwrites; choose another directory"));
    }
    Ok(())
}

fn adopt(arguments: &Arguments, output: Output) -> Result<(), Failure> {
    let Place { directory, configuration } = arguments.find()?;
    let _lock = directory.lock().map_err(|error| lock_failure(&error).hint("stop the server first"))?;
    restore::refuse_pending(&directory)?;
    let adopted = authority::adopt(&directory, &configuration, &local_caller());
    output.adopted(&adopted.map_err(|error| error.to_failure())?);
    Ok(())
}

fn run_server(arguments: &Arguments, options: &ServeArguments, output: Output) -> Result<(), Failure> {
    let mut place = arguments.find()?;
    apply_network(&mut place.configuration, &options.network)?;
    let lock = place.directory.lock().map_err(|error| lock_failure(&error))?;
    let passphrase = read_passphrase(options.key.passphrase_file.clone(), false)?;
    serve::run(place.directory, place.configuration, &passphrase, lock, |ready| output.ready(ready))
}

fn apply_network(configuration: &mut Configuration, network: &NetworkArguments) -> Result<(), Failure> {
    let server = &mut configuration.server;
    set(&mut server.listen, network.listen);
    set(&mut server.endpoint_mapper_port, network.endpoint_mapper_port);
    set(&mut server.object_port, network.object_port);
    if let Some(name) = &network.host_name {
        server.host_name = Some(name.clone());
    }
    configuration.check().map_err(|problem| Failure::new(Code::Configuration, problem))
}

fn set<T>(place: &mut T, value: Option<T>) {
    if let Some(value) = value {
        *place = value;
    }
}

fn submitted(reply: &Reply, out: Option<OutputFile<'_>>, output: Output) -> Result<ExitCode, Failure> {
    let Reply::Submitted(submitted) = reply else { return Err(unexpected()) };
    output.reply(reply);
    if let (Some(file), Some(pem)) = (out, &submitted.pem) {
        file.write(pem.as_bytes()).map_err(|error| {
            let id = submitted.request_id;
            let message = format!("request {id} is issued, but cannot write {}: {error}", file.path().display());
            Failure::new(Code::Internal, message).hint(format!("certsrvd certificate show --request {id} prints it"))
        })?;
    }
    Ok(match submitted.disposition {
        Disposition::Failed => ExitCode::from(Code::Refused.exit_code()),
        _ => ExitCode::SUCCESS,
    })
}

fn read_input(file: &PathBuf) -> Result<Vec<u8>, Failure> {
    let read = if file.as_os_str() == "-" {
        let mut bytes = Vec::new();
        // One byte more than the server looks at: it then says that there is too much.
        io::stdin().take(2 * crate::pkcs10::MAXIMUM_SIZE as u64 + 1).read_to_end(&mut bytes).map(|_| bytes)
    } else {
        fs::read(file)
    };
    read.map_err(|error| Failure::new(Code::Internal, format!("cannot read {}: {error}", file.display())))
}

fn account_password(file: Option<&PathBuf>) -> Result<Zeroizing<String>, Failure> {
    let refused = |error: PassphraseError| Failure::of(Code::Passphrase, &error);
    if let Some(file) = file {
        if file.as_os_str() != "-" {
            return passphrase::read_file(file, Secret::Password).map_err(refused);
        }
        let mut line = Zeroizing::new(String::new());
        io::stdin().read_line(&mut line).map_err(|error| Failure::of(Code::Internal, &error))?;
        return not_empty(Zeroizing::new(line.trim_end_matches(['\r', '\n']).to_owned()), Secret::Password);
    }
    if let Ok(password) = std::env::var(PASSWORD_ENVIRONMENT) {
        return not_empty(Zeroizing::new(password), Secret::Password);
    }
    if io::stdin().is_terminal() {
        return prompt("Password of the account: ", Secret::Password, true);
    }
    let message = format!("no password: give --password-file (- is standard input) or {PASSWORD_ENVIRONMENT}");
    Err(Failure::new(Code::Passphrase, message))
}

fn not_empty(value: Zeroizing<String>, secret: Secret) -> Result<Zeroizing<String>, Failure> {
    if value.is_empty() {
        return Err(Failure::new(Code::Passphrase, format!("the {secret} is empty")));
    }
    Ok(value)
}

fn read_passphrase(file: Option<PathBuf>, is_new: bool) -> Result<Zeroizing<String>, Failure> {
    match Sources::from_environment(file).read() {
        Err(PassphraseError::Missing) if io::stdin().is_terminal() => {
            prompt("Passphrase of the CA's key: ", Secret::Passphrase, is_new)
        }
        other => other.map_err(|error| Failure::of(Code::Passphrase, &error)),
    }
}

fn prompt(question: &str, secret: Secret, twice: bool) -> Result<Zeroizing<String>, Failure> {
    let ask = |question: &str| {
        rpassword::prompt_password(question).map(Zeroizing::new).map_err(|error| Failure::of(Code::Internal, &error))
    };
    let first = not_empty(ask(question)?, secret)?;
    if twice && *ask("Again: ")? != *first {
        return Err(Failure::new(Code::Passphrase, "the two are different"));
    }
    Ok(first)
}

fn local_caller() -> Caller {
    let pid = i32::try_from(std::process::id()).ok();
    Caller::Local { uid: rustix::process::getuid().as_raw(), pid }
}

fn lock_failure(error: &LockError) -> Failure {
    match error {
        LockError::Held { .. } => Failure::of(Code::Locked, error),
        _ => Failure::of(Code::Internal, error),
    }
}

fn unexpected() -> Failure {
    Failure::new(Code::Internal, "the server answered something else than was asked; is it another version?")
}
