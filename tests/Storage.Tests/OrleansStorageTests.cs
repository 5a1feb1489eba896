using System.Net;
using FleetMdm.Testing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using Orleans.Configuration;
using Orleans.Runtime.Membership;
using Orleans.Runtime.MembershipService;
using Orleans.Storage;

namespace FleetMdm.Storage.Tests;

public sealed class PostgresOrleansStorageTests(PostgresFixture fixture) : OrleansStorageTests(fixture), IClassFixture<PostgresFixture>;

public sealed class SqliteOrleansStorageTests(SqliteFixture fixture) : OrleansStorageTests(fixture), IClassFixture<SqliteFixture>;

/// <summary>Orleans' own grain storage (AdoNet) over the tables and statements that Migrate lays down.</summary>
public abstract class OrleansStorageTests(StoreFixture fixture) : IAsyncLifetime
{
    private IHost? _silo;

    private IGrainStorage Storage => _silo!.Services.GetRequiredKeyedService<IGrainStorage>("control");

    private IGrainStorage Deleting => _silo!.Services.GetRequiredKeyedService<IGrainStorage>("deleting");

    public async ValueTask InitializeAsync()
    {
        var (invariant, connectionString) = fixture.Node.Control.Orleans;
        var builder = Host.CreateEmptyApplicationBuilder(null);
        builder.UseOrleans(silo => silo
            .UseLocalhostClustering(Ports.Free(), gatewayPort: 0)
            .AddAdoNetGrainStorage("control", options => (options.Invariant, options.ConnectionString) = (invariant, connectionString))
            .AddAdoNetGrainStorage("deleting", options =>
            {
                (options.Invariant, options.ConnectionString) = (invariant, connectionString);
                options.DeleteStateOnClear = true;
            }));
        _silo = builder.Build();
        await _silo.StartAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await _silo!.StopAsync();
        _silo.Dispose();
        GC.SuppressFinalize(this);
    }

    private static GrainId Key(string type = "operation") => GrainId.Create(type, Make.Id());

    private static GrainState<Dictionary<string, string>> State(string value) => new() { State = new() { ["value"] = value } };

    [Fact]
    public async Task What_was_never_written_does_not_exist()
    {
        var state = new GrainState<Dictionary<string, string>>();

        await Storage.ReadStateAsync("state", Key(), state);

        Assert.False(state.RecordExists);
        Assert.Null(state.ETag);
    }

    [Fact]
    public async Task What_was_written_is_read_with_its_version()
    {
        var id = Key();
        var written = State("Zoë's");
        await Storage.WriteStateAsync("state", id, written);
        written.State!["value"] = "second";
        await Storage.WriteStateAsync("state", id, written);

        var read = new GrainState<Dictionary<string, string>>();
        await Storage.ReadStateAsync("state", id, read);

        Assert.True(read.RecordExists);
        Assert.Equal("2", read.ETag);
        Assert.Equal("2", written.ETag);
        Assert.Equal("second", read.State!["value"]);
    }

    [Fact]
    public async Task Keys_with_numbers_GUIDs_and_extensions_are_kept_apart()
    {
        var guid = Guid.NewGuid();
        GrainId[] ids =
        [
            GrainId.Create(GrainType.Create("a"), GrainIdKeyExtensions.CreateGuidKey(guid)),
            GrainId.Create(GrainType.Create("a"), GrainIdKeyExtensions.CreateGuidKey(guid, "x")),
            GrainId.Create(GrainType.Create("a"), GrainIdKeyExtensions.CreateIntegerKey(7)),
            GrainId.Create(GrainType.Create("a"), GrainIdKeyExtensions.CreateIntegerKey(7, "x")),
            GrainId.Create("a", "Ключ" + guid),
        ];
        foreach (var id in ids)
            await Storage.WriteStateAsync("keys", id, State(id.ToString()));

        foreach (var id in ids)
        {
            var read = new GrainState<Dictionary<string, string>>();
            await Storage.ReadStateAsync("keys", id, read);
            Assert.Equal(id.ToString(), read.State!["value"]);
        }
    }

    [Fact]
    public async Task A_stale_write_is_inconsistent_and_changes_nothing()
    {
        var id = Key();
        var mine = State("mine");
        await Storage.WriteStateAsync("state", id, mine);
        var theirs = new GrainState<Dictionary<string, string>>();
        await Storage.ReadStateAsync("state", id, theirs);
        theirs.State!["value"] = "theirs";
        await Storage.WriteStateAsync("state", id, theirs);

        await Assert.ThrowsAsync<InconsistentStateException>(() => Storage.WriteStateAsync("state", id, mine));
        await Assert.ThrowsAsync<InconsistentStateException>(() => Storage.ClearStateAsync("state", id, mine));
        await Assert.ThrowsAsync<InconsistentStateException>(() => Storage.WriteStateAsync("state", id, State("as if first")));

        await Storage.ReadStateAsync("state", id, mine);
        Assert.Equal("theirs", mine.State!["value"]);
    }

    [Fact]
    public async Task A_write_under_a_version_of_a_row_that_is_not_there_is_inconsistent()
    {
        var state = State("a");
        state.ETag = "3";

        await Assert.ThrowsAsync<InconsistentStateException>(() => Storage.WriteStateAsync("state", Key(), state));
    }

    [Fact]
    public async Task Of_many_first_writes_at_once_one_wins_and_the_state_stays_readable_and_writable()
    {
        for (var round = 0; round < 5; round++)
        {
            var id = Key();
            var outcomes = await Task.WhenAll(Enumerable.Range(0, 8).Select(async n =>
            {
                try
                {
                    await Storage.WriteStateAsync("state", id, State($"{n}"));
                    return true;
                }
                catch (InconsistentStateException)
                {
                    return false;
                }
            }));

            Assert.Single(outcomes, won => won);
            var read = new GrainState<Dictionary<string, string>>();
            await Storage.ReadStateAsync("state", id, read);
            await Storage.WriteStateAsync("state", id, read);
            Assert.Equal("2", read.ETag);
        }
    }

    [Fact]
    public async Task A_cleared_state_does_not_exist_and_can_be_written_again()
    {
        var id = Key();
        var state = State("a");
        await Storage.WriteStateAsync("state", id, state);

        await Storage.ClearStateAsync("state", id, state);
        var read = new GrainState<Dictionary<string, string>>();
        await Storage.ReadStateAsync("state", id, read);
        Assert.False(read.RecordExists);
        read.State = new() { ["value"] = "again" };
        await Storage.WriteStateAsync("state", id, read);

        Assert.Equal("3", read.ETag);
    }

    [Fact]
    public async Task A_state_that_is_deleted_when_cleared_begins_anew()
    {
        var id = Key();
        var state = State("a");
        await Deleting.WriteStateAsync("state", id, state);
        await Deleting.ClearStateAsync("state", id, state);
        Assert.Null(state.ETag);

        var again = State("b");
        await Deleting.WriteStateAsync("state", id, again);

        Assert.Equal("1", again.ETag);
    }

    [Fact]
    public async Task The_control_plane_and_the_device_plane_write_side_by_side()
    {
        var states = Task.WhenAll(Enumerable.Range(0, 40).Select(_ => Storage.WriteStateAsync("state", Key(), State("a"))));
        var appends = Task.WhenAll(Enumerable.Range(0, 400).Select(_ => fixture.Node.Devices.Append(Make.Command(Make.Id()))));

        await states;
        Assert.All(await appends, a => Assert.False(a.AlreadyThere));
    }
}

/// <summary>Orleans' membership over the tables and statements of PostgreSQL.</summary>
public sealed class PostgresClusteringTests(PostgresFixture fixture) : IClassFixture<PostgresFixture>
{
    private static readonly DateTime Now = Make.Now.UtcDateTime;

    private readonly string _cluster = Make.Id();

    private async Task<AdoNetClusteringTable> Table()
    {
        var (invariant, connectionString) = fixture.Node.Control.Orleans;
        var table = new AdoNetClusteringTable(
            new ServiceCollection().BuildServiceProvider(),
            Options.Create(new ClusterOptions { ClusterId = _cluster, ServiceId = "fleetmdm" }),
            Options.Create(new AdoNetClusteringSiloOptions { Invariant = invariant, ConnectionString = connectionString }),
            NullLogger<AdoNetClusteringTable>.Instance);
        await table.InitializeMembershipTableAsync(tryInitTableVersion: true);
        return table;
    }

    private static MembershipEntry Silo(int port, SiloStatus status = SiloStatus.Active) => new()
    {
        SiloAddress = SiloAddress.New(IPAddress.Parse("10.1.2.3"), port, 1),
        SiloName = $"node-{port}",
        HostName = "box",
        Status = status,
        ProxyPort = port + 1,
        StartTime = Now,
        IAmAliveTime = Now,
    };

    [Fact]
    public async Task A_silo_joins_only_under_the_version_that_it_has_read_and_only_once()
    {
        var table = await Table();
        await (await Table()).InitializeMembershipTableAsync(tryInitTableVersion: true);
        var empty = await table.ReadAllAsync();
        Assert.Empty(empty.Members);

        Assert.True(await table.InsertRowAsync(Silo(1), empty.Version.Next()));
        Assert.False(await table.InsertRowAsync(Silo(2), empty.Version.Next()));
        var one = await table.ReadAllAsync();
        Assert.False(await table.InsertRowAsync(Silo(1), one.Version.Next()));
        Assert.True(await table.InsertRowAsync(Silo(2), one.Version.Next()));

        var two = await table.ReadAllAsync();
        Assert.Equal(2, two.Members.Count);
        Assert.Equal(empty.Version.Version + 2, two.Version.Version);
        var first = two.TryGet(Silo(1).SiloAddress)!.Item1;
        Assert.Equal(("node-1", "box", SiloStatus.Active, 2), (first.SiloName, first.HostName, first.Status, first.ProxyPort));
        Assert.Equal(Now, first.StartTime);
    }

    [Fact]
    public async Task A_silo_changes_only_under_the_version_that_was_read()
    {
        var table = await Table();
        await table.InsertRowAsync(Silo(1), (await table.ReadAllAsync()).Version.Next());
        var read = await table.ReadRowAsync(Silo(1).SiloAddress);
        var (entry, etag) = read.Members.Single();
        entry.AddSuspector(Silo(2).SiloAddress, Now);
        entry.Status = SiloStatus.Dead;

        Assert.True(await table.UpdateRowAsync(entry, etag, read.Version.Next()));
        Assert.False(await table.UpdateRowAsync(entry, etag, read.Version.Next()));
        var unknown = await table.ReadRowAsync(Silo(9).SiloAddress);
        Assert.Empty(unknown.Members);
        Assert.False(await table.UpdateRowAsync(Silo(9), etag, unknown.Version.Next()));

        var after = await table.ReadAllAsync();
        Assert.Equal(read.Version.Version + 1, after.Version.Version);
        Assert.Equal(SiloStatus.Dead, after.Members.Single().Item1.Status);
        Assert.Single(after.Members.Single().Item1.SuspectTimes!);
    }

    [Fact]
    public async Task Of_silos_that_join_at_once_one_is_told_yes_for_each_version()
    {
        var table = await Table();
        var version = (await table.ReadAllAsync()).Version.Next();

        var joined = await Task.WhenAll(Enumerable.Range(1, 8).Select(port => table.InsertRowAsync(Silo(port), version)));

        Assert.Single(joined, yes => yes);
        Assert.Single((await table.ReadAllAsync()).Members);
    }

    [Fact]
    public async Task A_sign_of_life_is_noted_without_a_new_version()
    {
        var table = await Table();
        await table.InsertRowAsync(Silo(1), (await table.ReadAllAsync()).Version.Next());
        var before = await table.ReadAllAsync();
        var alive = Silo(1);
        alive.IAmAliveTime = Now.AddMinutes(5);

        await table.UpdateIAmAliveAsync(alive);

        var after = await table.ReadAllAsync();
        Assert.Equal(Now.AddMinutes(5), after.Members.Single().Item1.IAmAliveTime);
        Assert.Equal(before.Version, after.Version);
    }

    [Fact]
    public async Task Long_dead_silos_are_cleaned_away_and_living_ones_stay()
    {
        var table = await Table();
        await table.InsertRowAsync(Silo(1, SiloStatus.Dead), (await table.ReadAllAsync()).Version.Next());
        await table.InsertRowAsync(Silo(2), (await table.ReadAllAsync()).Version.Next());

        await table.CleanupDefunctSiloEntriesAsync(Make.Now.AddHours(-1));
        Assert.Equal(2, (await table.ReadAllAsync()).Members.Count);
        await table.CleanupDefunctSiloEntriesAsync(Make.Now.AddHours(1));
        Assert.Equal("node-2", (await table.ReadAllAsync()).Members.Single().Item1.SiloName);
    }

    [Fact]
    public async Task A_cluster_can_be_forgotten()
    {
        var table = await Table();
        await table.InsertRowAsync(Silo(1), (await table.ReadAllAsync()).Version.Next());

        await table.DeleteMembershipTableEntriesAsync(_cluster);

        Assert.Empty((await (await Table()).ReadAllAsync()).Members);
    }

    [Fact]
    public async Task Clients_find_the_gateways_of_active_silos()
    {
        var table = await Table();
        await table.InsertRowAsync(Silo(100), (await table.ReadAllAsync()).Version.Next());
        await table.InsertRowAsync(Silo(200, SiloStatus.Dead), (await table.ReadAllAsync()).Version.Next());
        var (invariant, connectionString) = fixture.Node.Control.Orleans;
        var gateways = new AdoNetGatewayListProvider(
            NullLogger<AdoNetGatewayListProvider>.Instance,
            new ServiceCollection().BuildServiceProvider(),
            Options.Create(new AdoNetClusteringClientOptions { Invariant = invariant, ConnectionString = connectionString }),
            Options.Create(new GatewayOptions()),
            Options.Create(new ClusterOptions { ClusterId = _cluster, ServiceId = "fleetmdm" }));
        await gateways.InitializeGatewayListProviderAsync();

        var uri = Assert.Single(await gateways.GetGatewaysAsync());

        Assert.Equal(101, uri.Port);
    }

    [Fact]
    public async Task Two_silos_form_a_cluster_by_these_tables()
    {
        var (invariant, connectionString) = fixture.Node.Control.Orleans;
        IHost Build()
        {
            var builder = Host.CreateEmptyApplicationBuilder(null);
            builder.UseOrleans(silo => silo
                .Configure<ClusterOptions>(options => (options.ClusterId, options.ServiceId) = (_cluster, "fleetmdm"))
                .ConfigureEndpoints(IPAddress.Loopback, Ports.Free(), Ports.Free())
                .UseAdoNetClustering(options => (options.Invariant, options.ConnectionString) = (invariant, connectionString)));
            return builder.Build();
        }

        using var first = Build();
        using var second = Build();
        await first.StartAsync();
        await second.StartAsync();

        var members = (await (await Table()).ReadAllAsync()).Members.Select(m => m.Item1.Status).ToList();
        await second.StopAsync();
        await first.StopAsync();

        Assert.Equal([SiloStatus.Active, SiloStatus.Active], members);
    }
}
