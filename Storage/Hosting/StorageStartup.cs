using FleetMdm.Storage.Audit;
using FleetMdm.Storage.Secrets;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace FleetMdm.Storage.Hosting;

/// <summary>Before anything else starts (Orleans reads its statements from the database when the silo starts): rights of the data directory, the
/// schema, the master key, the data keys.</summary>
internal sealed partial class StorageStartup(
    IOptions<StorageOptions> options, StoreParts parts, IServiceProvider services, ILogger<StorageStartup> logger)
    : IHostedLifecycleService
{
    public async Task StartingAsync(CancellationToken cancellationToken)
    {
        OwnerOnly.Tighten(options.Value, logger);
        var control = (IStoreControl)parts.Control;
        // The key first: nothing is created in a database whose secrets could not be sealed.
        var sealer = services.GetRequiredService<SecretSealer>();
        if (options.Value.MigrateAtStart)
            await control.Migrate(cancellationToken);
        else if (await parts.Control.Pending(cancellationToken) is { Count: > 0 } pending)
        {
            throw new StorageConfigurationException(
                $"The database lacks the migration {pending[0]}: run `migrate` first, or set Storage:MigrateAtStart to true.");
        }

        var changing = await parts.Database.Read(
            s => s.Sql("SELECT count(*) FROM facts WHERE name = @name").Text("@name", MasterKey.ChangeFact).First(row => row.Long(0)), cancellationToken);
        if (changing > 0)
        {
            throw new StorageConfigurationException(
                "A change of the master key was begun and has not ended: run rekey again with the present key and the same new one, then start.");
        }

        await MasterKey.Check(sealer, control, cancellationToken);
        await services.GetRequiredService<BodySealer>().Load(sealer, control, cancellationToken);
        await services.GetRequiredService<AuditSeal>().Load(sealer, parts.Database, services.GetRequiredService<TimeProvider>(), cancellationToken);
        LogReady(logger, options.Value.Provider);
    }

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    [LoggerMessage(1030, LogLevel.Information, "Storage is ready on {Provider}")]
    private static partial void LogReady(ILogger logger, StorageProvider provider);
}
