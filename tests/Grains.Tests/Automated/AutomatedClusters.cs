using FleetMdm.Grains.Tests.Fixture;
using FleetMdm.VirtualFleet.Apple;

namespace FleetMdm.Grains.Tests.Automated;

/// <summary>A cluster whose Apple is simulated, with the cluster's clock.</summary>
public interface IAutomatedCluster
{
    DeviceEnrolmentSimulator Apple { get; }
}

/// <summary>What both have in common.</summary>
internal static class SimulatedApple
{
    public const int PageSize = 100;

    public static async Task<DeviceEnrolmentSimulator> Start(GrainCluster cluster, string folder, Dictionary<string, string?> settings)
    {
        var apple = await DeviceEnrolmentSimulator.StartAsync(new DeviceEnrolmentOptions { Time = cluster.Clock, MostInPage = PageSize, SessionLasts = TimeSpan.FromHours(1) });
        var root = Path.Combine(folder, "apple-root.pem");
        await File.WriteAllTextAsync(root, apple.RootPem);
        settings["Automated:Endpoint"] = apple.Endpoint.AbsoluteUri;
        settings["Automated:TrustedRootFile"] = root;
        return apple;
    }
}

public sealed class AutomatedSqliteCluster : SqliteCluster, IAutomatedCluster
{
    private DeviceEnrolmentSimulator? _apple;

    public DeviceEnrolmentSimulator Apple => _apple!;

    protected override async Task<IReadOnlyDictionary<string, string?>> OpenStore(string folder)
    {
        var settings = new Dictionary<string, string?>(await base.OpenStore(folder));
        _apple = await SimulatedApple.Start(this, folder, settings);
        return settings;
    }

    protected override async Task CloseStore()
    {
        if (_apple is not null) await _apple.DisposeAsync();
        await base.CloseStore();
    }
}

public sealed class AutomatedPostgresCluster : PostgresCluster, IAutomatedCluster
{
    private DeviceEnrolmentSimulator? _apple;

    public DeviceEnrolmentSimulator Apple => _apple!;

    protected override async Task<IReadOnlyDictionary<string, string?>> OpenStore(string folder)
    {
        var settings = new Dictionary<string, string?>(await base.OpenStore(folder));
        _apple = await SimulatedApple.Start(this, folder, settings);
        return settings;
    }

    protected override async Task CloseStore()
    {
        if (_apple is not null) await _apple.DisposeAsync();
        await base.CloseStore();
    }
}

public sealed class AutomatedRulesOnSqlite(AutomatedSqliteCluster cluster) : AutomatedRules(cluster, cluster), IClassFixture<AutomatedSqliteCluster>;

/// <summary>Two silos.</summary>
public sealed class AutomatedRulesOnPostgreSql(AutomatedPostgresCluster cluster) : AutomatedRules(cluster, cluster), IClassFixture<AutomatedPostgresCluster>;
