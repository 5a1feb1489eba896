using FleetMdm.Grains.Tests.Fixture;
using Microsoft.Extensions.DependencyInjection;

namespace FleetMdm.Grains.Tests.Devices;

/// <summary>On which node an iPad's grain is.</summary>
[Collection(nameof(OnPostgreSql))]
public sealed class PlacementTests(PostgresCluster cluster)
{
    private const int IPadsOfEach = 8;

    [Fact]
    public async Task An_iPad_lives_on_the_node_that_its_first_message_came_to()
    {
        var management = cluster.Grains.GetGrain<IManagementGrain>(0);
        foreach (var node in cluster.Cluster.GetActiveSilos())
        {
            var here = cluster.Cluster.GetSiloServiceProvider(node.SiloAddress).GetRequiredService<IGrainFactory>();
            for (var i = 0; i < IPadsOfEach; i++)
            {
                using var ipad = await new TestIPad(cluster, forgetful: false) { By = here }.Enrolled();

                Assert.Equal(node.SiloAddress, await management.GetActivationAddress(ipad.Grain));
            }
        }
    }
}
