using System.Globalization;
using FleetMdm.Api.Access;
using FleetMdm.Api.SetUp;
using FleetMdm.Grains.Interfaces;

namespace FleetMdm.Api.PushCertificates;

/// <summary>The certificate without which no iPad is woken.</summary>
internal sealed class PushCertificateSetUp(IGrainFactory grains) : ISetUp
{
    private const int Order = 30;

    public async Task<IReadOnlyList<SetUpStep>> Find(FleetUser reader)
    {
        if (!reader.May(Rights.CertificateRead)) return [];
        var certificate = await grains.GetGrain<IPushCertificateGrain>(IPushCertificateGrain.Key).Describe();
        var (state, detail) = certificate switch
        {
            null => (SetUpStep.ToDo, "Without it no iPad can enrol or be woken. The page leads through it."),
            { Standing: PushCertificateStanding.Good, UnansweredAt: null } => (SetUpStep.Done, string.Create(CultureInfo.InvariantCulture, $"It ends on {certificate.NotAfter:yyyy-MM-dd}. Renew it before, with the same Apple Account.")),
            { Standing: PushCertificateStanding.Good } => (SetUpStep.Look, "Pushes get no answer from Apple. Check that the server reaches api.push.apple.com, port 443."),
            { Standing: PushCertificateStanding.ExpiresSoon } => (SetUpStep.Look, string.Create(CultureInfo.InvariantCulture, $"It ends on {certificate.NotAfter:yyyy-MM-dd}. Renew it now, with the same Apple Account.")),
            { Standing: PushCertificateStanding.Expired } => (SetUpStep.Look, "It has expired: no iPad can be woken. Renew it with the same Apple Account."),
            _ => (SetUpStep.Look, $"Apple refuses it: {certificate.Refusal}"),
        };
        return [new SetUpStep { Order = Order, Id = "push-certificate", Title = "Install the push certificate", State = state, Detail = detail, Path = "/push-certificate" }];
    }
}
