using System.Security.Cryptography;
using FleetMdm.Protocol.Identity;
using FleetMdm.Storage.Devices;
using FleetMdm.Storage.Enrolment;

namespace FleetMdm.Api.CheckIn;

/// <summary>
/// Renewals that a restored database does not know. An iPad whose certificate was renewed after the backup was made comes with one
/// that nothing ties to its enrolment, and would be refused for good. The certificate itself says which one it renews, signed by our CA:
/// that is stored again, and the grain then finds what it would have found before.
/// </summary>
public sealed partial class ForgottenRenewals(IDeviceStore devices, IEnrolmentStore enrolments, TimeProvider time, ILogger<ForgottenRenewals> logger)
{
    /// <summary>Asked only of a sender that was refused. It changes nothing for a certificate that the store knows.</summary>
    /// <returns>True when the store has learned something: the sender may be asked for once more.</returns>
    /// <param name="sender">Who was refused.</param>
    /// <param name="read">Reads the sender's whole certificate.</param>
    public async ValueTask<bool> Recall(VerifiedIdentity sender, Func<IdentityCertificate> read)
    {
        if (sender is not { IssuedByUs: true, Renews: { } renewed }) return false;
        if (await devices.FindCertificate(sender.Sha256) is { Issued: not null } or { Pinned: not null }) return false;
        var certificate = read();
        var result = await enrolments.Renew(new RenewalRequest
        {
            PublicKeyHash = SHA256.HashData(certificate.PublicKeyInfo.Span),
            Certificate = new IssuedCertificate
            {
                Sha256 = sender.Sha256,
                Der = certificate.Der.ToArray(),
                Renews = renewed,
                IssuedAt = certificate.NotBefore,
                NotAfter = sender.NotAfter,
            },
            At = time.GetUtcNow(),
        });
        // By the same rules as a renewal that is asked for: what it renews must be the newest pin of an enrolment that lives.
        if (result.Outcome is not (RenewalOutcome.Renewed or RenewalOutcome.RenewedBefore)) return false;
        LogRecalled(sender.Sha256Hex, Convert.ToHexStringLower(renewed));
        return true;
    }

    [LoggerMessage(3004, LogLevel.Information, "Identity certificate {Sha256} was not known here any more; it renews {Old}, as it says itself.")]
    private partial void LogRecalled(string sha256, string old);
}
