using FleetMdm.Api.Access;
using FleetMdm.Api.Console;
using FleetMdm.Grains.Interfaces;

namespace FleetMdm.Api.PushCertificates;

/// <summary>A push certificate that ends, or that APNs refuses, or that is not there.</summary>
internal sealed class PushCertificateAttention(IGrainFactory grains, TimeProvider time) : IAttention
{
    private const int Order = 0;

    public async Task<IReadOnlyList<AttentionItem>> Find(FleetUser reader)
    {
        var certificate = await grains.GetGrain<IPushCertificateGrain>(IPushCertificateGrain.Key).Describe();
        return certificate?.Standing switch
        {
            null => Say("No push certificate: no iPad can enrol or be woken"),
            PushCertificateStanding.Good or PushCertificateStanding.ExpiresSoon when certificate.UnansweredAt is not null =>
                Say("Pushes get no answer from Apple: no iPad is woken. Check that the server reaches api.push.apple.com, port 443"),
            PushCertificateStanding.Good => [],
            PushCertificateStanding.ExpiresSoon => Say($"{(DaysLeft(certificate) == 1 ? "day" : "days")} until the push certificate expires", DaysLeft(certificate)),
            PushCertificateStanding.Expired => Say("The push certificate has expired: no iPad can be woken"),
            _ => Say($"APNs refuses the push certificate: {certificate.Refusal}"),
        };
    }

    private int DaysLeft(PushCertificateDescription certificate) => Math.Max(0, (int)(certificate.NotAfter - time.GetUtcNow()).TotalDays);

    private static AttentionItem[] Say(string words, long? count = null) => [new AttentionItem(Order, count, words, "/push-certificate", Urgent: true)];
}
