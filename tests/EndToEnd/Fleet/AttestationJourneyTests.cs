using System.Text.Json.Nodes;
using FleetMdm.VirtualFleet;
using FleetMdm.VirtualFleet.Enrolment;
using FleetMdm.VirtualFleet.IPads;
using FleetMdm.VirtualFleet.Journal;

namespace FleetMdm.EndToEnd.Fleet;

/// <summary>A server that wants an attestation of every iPad.</summary>
public sealed class AttestingServer : IAsyncLifetime
{
    public RunningServer Server { get; } = new() { Options = new Dictionary<string, string> { ["Attestation:Identity"] = "Required" } };

    public ValueTask InitializeAsync() => Server.InitializeAsync();

    public ValueTask DisposeAsync() => Server.DisposeAsync();
}

/// <summary>iPads that get their identity by ACME over HTTPS, with a key of their own and an attestation.</summary>
public sealed class AttestationJourneyTests(AttestingServer attesting) : IClassFixture<AttestingServer>
{
    private readonly RunningServer _server = attesting.Server;

    private Task<JsonNode> AttestationAsync(VirtualIPad ipad) => _server.Admin.GetAsync($"/api/v1/devices/{ipad.Udid}/attestation");

    private async Task<JsonNode> AskAsync(VirtualIPad ipad)
    {
        var asked = await _server.Admin.PostAsync($"/api/v1/devices/{ipad.Udid}/attestation", []);
        await RunningServer.ReportedAsync(ipad, asked["commandUuid"]!.GetValue<string>(), "Acknowledged");
        return (await AttestationAsync(ipad))["properties"]!;
    }

    [Fact]
    public Task An_iPad_enrols_with_an_attestation_checks_in_and_renews_with_another_one() => _server.RunAsync(async fleet =>
    {
        var ipad = await _server.EnrolAsync(fleet);
        Assert.Equal(256, ipad.Identity!.Certificate.PublicKey.GetECDsaPublicKey()!.KeySize);
        await _server.GoesOnAsync(ipad);
        var first = (await AttestationAsync(ipad))["identity"]!;
        Assert.True(first["attested"]!.GetValue<bool>());
        Assert.Equal((ipad.Description.SerialNumber, ipad.Udid, "18.3"), ((string?)first["proved"]!["serialNumber"], (string?)first["proved"]!["udid"], (string?)first["proved"]!["osVersion"]));

        await _server.RenewAsync(ipad);
        await _server.GoesOnAsync(ipad);
        var second = (await AttestationAsync(ipad))["identity"]!;
        Assert.True(second["attested"]!.GetValue<bool>());
        Assert.NotEqual(first["provedAt"]!.ToJsonString(), second["provedAt"]!.ToJsonString());
    });

    [Fact]
    public Task The_same_in_TLS_instead_of_by_signatures() => _server.RunAsync(async fleet =>
    {
        var ipad = await _server.EnrolAsync(fleet);
        await _server.GoesOnAsync(ipad);
    }, options => options with { Identity = IdentityPresentation.TlsClientCertificate });

    [Fact]
    public Task An_iPad_that_was_erased_and_one_that_was_restored_by_hand_enrol_again_at_once() => _server.RunAsync(async fleet =>
    {
        var ipad = await _server.EnrolAsync(fleet);
        await _server.Admin.SendCommandAsync(ipad.Udid, new JsonObject { ["requestType"] = "EraseDevice" });
        await ipad.Journal.WaitForAsync(entry => entry.Kind == JournalKind.Erased, RunningServer.Guard);
        await ipad.EnrolAsync((await _server.Admin.CreateInvitationAsync("Again")).Url);
        await _server.GoesOnAsync(ipad);

        // By hand, with the plain profile that anybody gets: the attestation alone says which iPad it is.
        var plain = new Uri((await _server.Admin.CreateInvitationAsync("Again")).Url + "?profile=plain");
        var restored = fleet.Add(ipad.Description);
        await restored.EnrolAsync(plain);
        await _server.GoesOnAsync(restored);
        Assert.True((await AttestationAsync(restored))["identity"]!["attested"]!.GetValue<bool>());
    });

    [Fact]
    public Task A_stranger_does_not_become_another_iPad() => _server.RunAsync(async fleet =>
    {
        var ipad = await _server.EnrolAsync(fleet);
        var invitation = (await _server.Admin.CreateInvitationAsync("Stranger")).Url;
        // It has the link, and says that it is this iPad: Apple attests what it is.
        await using var strangers = _server.NewFleet(options => options with { Factory = null });
        var stranger = strangers.Add(ipad.Description);
        stranger.Attesting = claims => claims with { SerialNumber = "DMPSTRANGER1", Udid = "00008101-FFFFFFFFFFFFFFFF" };
        await Assert.ThrowsAsync<EnrolmentException>(() => stranger.EnrolAsync(invitation));
        // By servers that only say so; with none.
        await using var forgers = _server.NewFleet(options => options with { Factory = null, Attestation = null });
        var refused = await Assert.ThrowsAsync<EnrolmentException>(() => forgers.Add(ipad.Description).EnrolAsync(invitation));
        Assert.Contains("does not end in", refused.Message, StringComparison.Ordinal);
        stranger.Attesting = _ => null;
        refused = await Assert.ThrowsAsync<EnrolmentException>(() => stranger.EnrolAsync(invitation));
        Assert.Contains("sent no attestation", refused.Message, StringComparison.Ordinal);
        // One that cannot attest.
        refused = await Assert.ThrowsAsync<EnrolmentException>(() => _server.EnrolAsync(fleet, description => description with { ProductName = "iPad7,11" }));
        Assert.Contains("cannot attest", refused.Message, StringComparison.Ordinal);

        await _server.GoesOnAsync(ipad);
    });

    [Fact]
    public Task A_renewal_without_an_attestation_leaves_the_iPad_with_its_certificate() => _server.RunAsync(async fleet =>
    {
        var ipad = await _server.EnrolAsync(fleet);
        var before = ipad.IdentitySha256;
        ipad.Attesting = _ => null;
        await RunningServer.ReportedAsync(ipad, await _server.Admin.RenewAsync(ipad.Udid), "Error");
        Assert.Equal(before, ipad.IdentitySha256);
        Assert.Contains("attestation", (await _server.Admin.GetRenewalAsync(ipad.Udid))["detail"]!.GetValue<string>(), StringComparison.OrdinalIgnoreCase);
        await _server.GoesOnAsync(ipad);

        ipad.Attesting = null;
        await _server.RenewAsync(ipad);
        await _server.GoesOnAsync(ipad);
    });

    [Fact]
    public Task An_iPad_is_asked_for_an_attestation_and_the_answer_is_checked() => _server.RunAsync(async fleet =>
    {
        var ipad = await _server.EnrolAsync(fleet);
        Assert.Null((await AttestationAsync(ipad))["properties"]);
        var first = await AskAsync(ipad);
        Assert.Equal(("proved", true, ipad.Description.SerialNumber), ((string?)first["state"], (bool?)first["fresh"], (string?)first["proved"]!["serialNumber"]));
        // Within seven days Apple makes no new one.
        var second = await AskAsync(ipad);
        Assert.Equal(("proved", false), ((string?)second["state"], (bool?)second["fresh"]));
        Assert.Contains("seven days", (string?)second["reason"], StringComparison.Ordinal);

        var other = await _server.EnrolAsync(fleet);
        other.Attesting = claims => claims with { SerialNumber = "DMPOTHER0001" };
        var differs = await AskAsync(other);
        Assert.Equal("differs", (string?)differs["state"]);
        Assert.Contains("Apple attests DMPOTHER0001", differs["differences"]!.ToJsonString(), StringComparison.Ordinal);

        var silent = await _server.EnrolAsync(fleet);
        silent.Attesting = _ => null;
        var nothing = await AskAsync(silent);
        Assert.Equal("notProved", (string?)nothing["state"]);
        Assert.Contains("sent no attestation", (string?)nothing["reason"], StringComparison.Ordinal);
    });
}
