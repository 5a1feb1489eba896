using FleetMdm.Api.Hosting;
using FleetMdm.Silo.Demo;
using FleetMdm.Silo.Hosting;
using FleetMdm.Storage.Hosting;

OwnerOnly.ForThisProcess();
return await FleetProcess.Run(() => args switch
{
    ["-h" or "--help" or "help", ..] => Usage.Print(),
    ["--version"] => Usage.PrintVersion(),
    ["demo", .. var rest] => DemoCommand.Run(rest),
    [var command, .. var rest] when Usage.Asks(rest) && Usage.Find(command) is { } help => Usage.Print(help),
    ["health", .. var rest] => HealthCommand.Run(rest),
    ["migrate", .. var rest] => MigrateCommand.Run(rest),
    ["backup", .. var rest] => BackupCommand.Run(rest),
    ["restore", .. var rest] => RestoreCommand.Run(rest),
    ["rekey", .. var rest] => RekeyCommand.Run(rest),
    ["admin-token", .. var rest] => AdminTokenCommand.Run(rest),
    ["audit-verify", .. var rest] => AuditVerifyCommand.Run(rest),
    _ => ServeCommand.Run(args),
});
