using FleetMdm.EndToEnd.Fleet;
using FleetMdm.VirtualFleet.Apns;

namespace FleetMdm.EndToEnd.Faults;

/// <summary>A server and its iPads, which are woken by nothing but APNs.</summary>
public sealed class ServerWithApns : IAsyncLifetime
{
    private const int IPads = 8;

    public RunningServer Server { get; } = new();
    public FaultAudit Audit { get; private set; } = null!;

    public async ValueTask InitializeAsync()
    {
        await Server.InitializeAsync();
        Audit = await FaultAudit.Begin(Server, IPads);
    }

    public async ValueTask DisposeAsync()
    {
        if (Audit is not null) await Audit.DisposeAsync();
        await Server.DisposeAsync();
    }
}

/// <summary>What APNs may do, while administrators send and iPads work: commands are accepted all the time, and reach their iPads when it
/// does its duty again.</summary>
public sealed class ApnsFaultTests(ServerWithApns world) : IClassFixture<ServerWithApns>
{
    private const int Around = 40;

    [Fact]
    public Task Busy_with_503_it_is_tried_again() => Through("APNs answers 503", apns => apns.Faults.Always(ApnsFault.Busy));

    [Fact]
    [Trait("Length", "Long")]
    public Task Too_many_requests_for_half_of_the_pushes_hold_back_those_only() =>
        Through("APNs answers 429 to every second push", apns => apns.Faults.Always(ApnsFault.TooManyRequests, share: 0.5));

    [Fact]
    public Task Connections_that_it_closes_with_GOAWAY_are_replaced() => Through("APNs says GOAWAY", apns => apns.Faults.Always(ApnsFault.GoingAway));

    [Fact]
    [Trait("Length", "Long")]
    public Task Connections_that_it_cuts_are_replaced() => Through("APNs cuts connections", apns => apns.Faults.Always(ApnsFault.ConnectionCut));

    [Fact]
    [Trait("Length", "Long")]
    public Task Streams_that_it_refuses_are_opened_again() => Through("APNs refuses streams", apns => apns.Faults.Always(ApnsFault.RefusedStream));

    [Fact]
    public Task Silence_ends_at_the_deadline() => Through("APNs hangs", apns => apns.Faults.Always(ApnsFault.Silence));

    /// <summary>Until the fault has been met by pushes, and then until all iPads have run a command.</summary>
    private Task Through(string fault, Action<ApnsSimulator> make)
    {
        var (apns, audit) = (world.Server.Apns, world.Audit);
        return audit.Through(fault, times: 1, Around, async () =>
        {
            make(apns);
            var met = apns.Statistics.Requests + 1;
            await audit.AcceptedMore(Around);
            await apns.Statistics.When(seen => seen.Requests > met).WaitAsync(FaultAudit.Patience);
            apns.Faults.Clear();
        }, audit.RecoveryOfAll);
    }
}
