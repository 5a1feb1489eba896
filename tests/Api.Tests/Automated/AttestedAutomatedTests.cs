using System.Net;
using System.Net.Http.Headers;
using System.Text;
using FleetMdm.Api.Attestation;
using FleetMdm.Api.Enrolment;
using FleetMdm.Protocol.Identity;
using FleetMdm.Storage.Devices;
using FleetMdm.Storage.Operations;
using FleetMdm.Storage.Returns;
using FleetMdm.VirtualFleet;
using FleetMdm.VirtualFleet.Apple;
using FleetMdm.VirtualFleet.Enrolment;
using FleetMdm.VirtualFleet.IPads;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;

namespace FleetMdm.Api.Tests.Automated;

/// <summary>iPads out of the box that get their identity with an attestation.</summary>
public sealed class AttestedAutomatedTests(AutomatedHost host) : IClassFixture<AutomatedHost>
{
    private AttestationOptions Options => host.Server.Services.GetRequiredService<IOptions<AttestationOptions>>().Value;

    private async Task<(HttpStatusCode Status, byte[] Body)> Ask(VirtualIPad ipad)
    {
        using var content = new ByteArrayContent(OutOfTheBox.MachineInfo(ipad)) { Headers = { ContentType = new MediaTypeHeaderValue("application/pkcs7-signature") } };
        using var client = host.Server.Client();
        using var answer = await client.PostAsync("/mdm/automated/enroll", content);
        return (answer.StatusCode, await answer.Content.ReadAsByteArrayAsync());
    }

    /// <summary>It was told to erase itself and to return.</summary>
    private async Task SendAway(VirtualIPad ipad)
    {
        var (services, now) = (host.Server.Services, TimeProvider.System.GetUtcNow());
        await services.GetRequiredService<IDeviceStore>().Commit(new EnrolmentChange
        {
            Row = new DeviceRow { Id = ipad.Udid, DeviceId = ipad.Udid, Kind = EnrolmentKind.Device, Status = EnrolmentStatus.Enrolled, Version = 1 },
            WriteId = Guid.NewGuid(),
            At = now,
        });
        var uuid = Guid.NewGuid().ToString().ToUpperInvariant();
        await services.GetRequiredService<IOperationStore>().Append(new OperationAppend
        {
            Id = Guid.NewGuid().ToString(),
            CommandUuid = uuid,
            RequestType = "EraseDevice",
            Body = "<dict/>"u8.ToArray(),
            AcceptedAt = now,
            RequestedBy = "test",
            Ids = [ipad.Udid],
            Return = new ReturnAppend("wifi", "Wi-Fi", 4, false, $"return-{Guid.NewGuid():N}"),
        });
        Assert.NotNull(await services.GetRequiredService<IReturnStore>().HandOver(ipad.Udid, uuid, now));
    }

    [Fact]
    public async Task An_iPad_out_of_the_box_gets_a_client_identifier_for_itself_and_one_that_cannot_attest_gets_what_the_option_says()
    {
        await host.InstallPushCertificate();
        await using var fleet = new IPadFleet(new FleetOptions { Trust = TrustAnchors.FromPem(host.Apple.RootPem), Factory = host.Factory });
        var (ipad, old) = (fleet.Add(IPadDescription.Number(60_001)), fleet.Add(IPadDescription.Number(60_002) with { ProductName = "iPad7,11" }));
        await host.Connect(null, ipad.Description.SerialNumber, old.Description.SerialNumber);

        Assert.Null(EnrolmentProfile.Read(ConfigurationProfile.Read((await Ask(ipad)).Body)).Acme);
        Options.Identity = AttestedIdentity.WhenPossible;
        Assert.Null(EnrolmentProfile.Read(ConfigurationProfile.Read((await Ask(old)).Body)).Acme);
        Assert.NotNull(EnrolmentProfile.Read(ConfigurationProfile.Read((await Ask(ipad)).Body)).Acme);
        await SendAway(ipad);
        Assert.Null(EnrolmentProfile.Read(ConfigurationProfile.Read((await Ask(ipad)).Body)).Acme);
        Options.Identity = AttestedIdentity.Required;
        var profile = EnrolmentProfile.Read(ConfigurationProfile.Read((await Ask(ipad)).Body));
        var key = (await host.Server.Services.GetRequiredService<EnrolmentAuthority>().Get()).ChallengeKey;
        var challenge = OneTimeChallenge.Verify(key, profile.Acme!.ClientIdentifier, TimeProvider.System.GetUtcNow(), ChallengeKind.Attested);
        Assert.Equal(new ProvenDevice(ipad.Udid, ipad.Description.SerialNumber), challenge!.Device);

        var (status, body) = await Ask(old);
        Assert.Equal(HttpStatusCode.Forbidden, status);
        Assert.Contains("cannot attest", Encoding.UTF8.GetString(body), StringComparison.Ordinal);
        Assert.Contains("cannot", (string?)(await host.Get($"devices/{old.Description.SerialNumber}"))["answer"], StringComparison.Ordinal);
    }
}
