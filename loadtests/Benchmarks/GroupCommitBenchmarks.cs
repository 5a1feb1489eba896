using BenchmarkDotNet.Attributes;
using BenchmarkDotNet.Configs;
using BenchmarkDotNet.Engines;
using BenchmarkDotNet.Jobs;
using BenchmarkDotNet.Toolchains.InProcess.NoEmit;
using FleetMdm.Storage.Devices;
using FleetMdm.Storage.Hosting;
using FleetMdm.Storage.Operations;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;

namespace FleetMdm.Benchmarks;

/// <summary>
/// What group commit is worth: the same rows into the same table, one transaction for each against the store's batches; and how many
/// queue rows a second one operation appends. PostgreSQL takes part when <c>FLEETMDM_TEST_POSTGRES</c> names one.
/// Read the ratio, not the times: those are the disk's.
/// </summary>
[Config(typeof(FewLongRuns))]
[MemoryDiagnoser]
public class GroupCommitBenchmarks
{
    private const int Rows = 1_000;
    private const int OperationRows = 50_000;

    /// <summary>As many as Orleans' own storage would use at most here: its pool's size.</summary>
    private const int Connections = 20;

    private readonly string _folder = Directory.CreateTempSubdirectory("fleetmdm-bench-").FullName;
    private ServiceProvider? _services;
    private IDeviceStore? _devices;
    private IOperationStore? _operations;
    private string _connectionString = "";

    public static IEnumerable<StorageProvider> Providers =>
        Environment.GetEnvironmentVariable("FLEETMDM_TEST_POSTGRES") is null ? [StorageProvider.Sqlite] : [StorageProvider.Sqlite, StorageProvider.PostgreSQL];

    [ParamsSource(nameof(Providers))]
    public StorageProvider Provider { get; set; }

    [GlobalSetup]
    public async Task Start()
    {
        var settings = new Dictionary<string, string?>
        {
            ["Storage:Provider"] = Provider.ToString(),
            ["Storage:DataDirectory"] = _folder,
            ["Secrets:MasterKey"] = Convert.ToBase64String(new byte[32]),
        };
        if (Provider == StorageProvider.PostgreSQL)
            settings["Storage:ConnectionString"] = await CreateDatabase();
        _services = new ServiceCollection()
            .AddFleetStorage(new ConfigurationBuilder().AddInMemoryCollection(settings).Build())
            .BuildServiceProvider();
        await _services.StartFleetStorage();
        _connectionString = _services.GetRequiredService<IStoreControl>().Orleans.ConnectionString;
        _devices = _services.GetRequiredService<IDeviceStore>();
        _operations = _services.GetRequiredService<IOperationStore>();
        for (var i = 0; i < OperationRows; i += 5_000)
            await Task.WhenAll(Enumerable.Range(i, 5_000).Select(Enrol));
    }

    [GlobalCleanup]
    public async Task Stop()
    {
        await _services!.DisposeAsync();
        SqliteConnection.ClearAllPools();
        Directory.Delete(_folder, recursive: true);
    }

    [Benchmark(Baseline = true, OperationsPerInvoke = Rows)]
    public Task One_row_at_a_time() => Provider == StorageProvider.Sqlite
        ? InsertIntoSqlite()
        : Task.WhenAll(Enumerable.Range(0, Connections).Select(_ => InsertIntoPostgres(Rows / Connections)));

    [Benchmark(OperationsPerInvoke = Rows)]
    public Task Group_commit() => Task.WhenAll(Enumerable.Range(0, Rows).Select(_ => _devices!.Append(new QueueAppend
    {
        EnrolmentId = NewId(),
        CommandUuid = NewId(),
        RequestType = "DeviceInformation",
        Body = "<dict/>"u8.ToArray(),
        AcceptedAt = TimeProvider.System.GetUtcNow(),
    })));

    [Benchmark(OperationsPerInvoke = OperationRows)]
    public Task One_operation() => _operations!.Append(new OperationAppend
    {
        Id = NewId(),
        CommandUuid = NewId(),
        RequestType = "DeviceInformation",
        Body = "<dict/>"u8.ToArray(),
        AcceptedAt = TimeProvider.System.GetUtcNow(),
        RequestedBy = "benchmark",
        Filter = DeviceFilter.Everything,
    });

    private static string NewId() => Guid.NewGuid().ToString();

    private static async Task<string> CreateDatabase()
    {
        var administrator = Environment.GetEnvironmentVariable("FLEETMDM_TEST_POSTGRES")!;
        var name = "bench_" + Guid.NewGuid().ToString("N");
        await using var connection = new NpgsqlConnection(administrator);
        await connection.OpenAsync();
        await using var create = new NpgsqlCommand($"CREATE DATABASE {name}", connection);
        await create.ExecuteNonQueryAsync();
        return new NpgsqlConnectionStringBuilder(administrator) { Database = name }.ConnectionString;
    }

    private Task<EnrolmentCommitted> Enrol(int number)
    {
        var id = NewId();
        return _devices!.Commit(new EnrolmentChange
        {
            Row = new DeviceRow
            {
                Id = id,
                DeviceId = id,
                Kind = EnrolmentKind.Device,
                Status = EnrolmentStatus.Enrolled,
                Version = 1,
                SerialNumber = $"DMPX{number:D8}",
                DeviceName = $"iPad {number}",
            },
            WriteId = Guid.NewGuid(),
            At = TimeProvider.System.GetUtcNow(),
        });
    }

    private async Task InsertIntoSqlite()
    {
        await using var connection = new SqliteConnection(_connectionString);
        await connection.OpenAsync();
        await using var command = connection.CreateCommand();
        command.CommandText = """
            PRAGMA synchronous = FULL;
            INSERT INTO queue (enrolment_id, command_uuid, request_type, body_hash, accepted_at) VALUES (@id, @uuid, 'DeviceInformation', zeroblob(32), 0)
            """;
        var id = command.Parameters.Add("@id", SqliteType.Text);
        var uuid = command.Parameters.Add("@uuid", SqliteType.Text);
        for (var i = 0; i < Rows; i++)
        {
            (id.Value, uuid.Value) = (NewId(), NewId());
            await command.ExecuteNonQueryAsync();
        }
    }

    private async Task InsertIntoPostgres(int rows)
    {
        await using var connection = new NpgsqlConnection(_connectionString);
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand(
            "INSERT INTO queue (enrolment_id, command_uuid, request_type, body_hash, accepted_at) VALUES ($1, $2, 'DeviceInformation', $3, now())",
            connection);
        command.Parameters.Add(new NpgsqlParameter<string>());
        command.Parameters.Add(new NpgsqlParameter<string>());
        command.Parameters.Add(new NpgsqlParameter<byte[]> { TypedValue = new byte[32] });
        await command.PrepareAsync();
        for (var i = 0; i < rows; i++)
        {
            (command.Parameters[0].Value, command.Parameters[1].Value) = (NewId(), NewId());
            await command.ExecuteNonQueryAsync();
        }
    }

    private sealed class FewLongRuns : ManualConfig
    {
        // In this process: one benchmark is a second of disk, so the noise of the host does not matter.
        public FewLongRuns() => AddJob(Job.Default.WithToolchain(new InProcessNoEmitToolchain(TimeSpan.FromMinutes(20), logOutput: true))
            .WithStrategy(RunStrategy.Monitoring).WithWarmupCount(1).WithIterationCount(5).WithInvocationCount(1).WithUnrollFactor(1));
    }
}
