using FleetMdm.Api.Attestation;
using FleetMdm.Api.Enrolment;
using FleetMdm.Api.Hosting;
using FleetMdm.Grains.Interfaces;
using FleetMdm.Protocol.Identity;
using FleetMdm.Protocol.Mdm;
using FleetMdm.Protocol.Profiles;
using FleetMdm.Storage.Attestation;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.Extensions.Options;

namespace FleetMdm.Api.Renewals;

/// <summary>Makes the command that an iPad renews its identity certificate by, at the moment when it leaves: the enrolment profile with a fresh
/// challenge, signed, with the URLs that this iPad was enrolled with.</summary>
/// <remarks>An iPad refuses a profile with other URLs, and keeps what it has. So the URLs are those of the profile by which its certificate was asked
/// for, whatever <c>Mdm:PublicUrl</c> is by now. Where that was not kept, they follow from the message that this is the answer to: an iPad sends it to
/// its own ServerURL.</remarks>
public sealed partial class RenewalProfiles(
    EnrolmentAuthority authority, IOptions<MdmOptions> mdm, IOptions<ScepOptions> scep, AttestationPolicy attestation, IAttestationStore attestations, TrustedProxies proxies, TimeProvider time,
    ILogger<RenewalProfiles> logger)
{
    private const string ForwardedHost = "X-Forwarded-Host";

    /// <summary>The message for the iPad; null: nobody knows by which address it is enrolled.</summary>
    /// <exception cref="AuthorityUnavailableException">The keys cannot be had now.</exception>
    public async ValueTask<byte[]?> Make(HttpContext context, RenewalOrder order)
    {
        if ((order.Authority ?? AuthorityOf(context)) is not { } known || !Uri.TryCreate($"https://{known}", UriKind.Absolute, out var url)) return null;
        var snapshot = await authority.Get();
        var challengeEnds = time.GetUtcNow().AddMinutes(scep.Value.ChallengeLifetimeMinutes);
        var (challenge, attested) = await Challenge(snapshot, order.Renews, challengeEnds, known);
        var profile = EnrolmentProfile.Build(new EnrolmentProfileSettings
        {
            Organization = snapshot.Organization,
            PublicUrl = url,
            Topic = order.Topic,
            Roots = [.. snapshot.Roots.Select(root => root.Der)],
            Challenge = challenge,
            AcmeDirectory = attested ? new Uri(mdm.Value.PublicUri, AcmeAnswers.Directory) : null,
            SignMessage = mdm.Value.SignMessage,
            AccessRights = order.AccessRights is { } rights ? (MdmAccessRights)rights : MdmAccessRights.All,
        });
        var signed = ProfileSigner.Sign(profile.ToBytes(), snapshot.ProfileSigner, snapshot.TlsIssuer.Certificate.Der);
        return CommandEnvelope.Compose(order.CommandUuid, RenewalCommand.WithProfile(signed));
    }

    /// <summary>For ACME when the iPad can attest, otherwise for SCEP. An iPad attests anew with each renewal.</summary>
    private async ValueTask<(string Challenge, bool Attested)> Challenge(AuthoritySnapshot snapshot, byte[] renews, DateTimeOffset ends, string known)
    {
        if (attestation.Mode != AttestedIdentity.Off && await attestations.FindRenewing(renews) is { } ipad && ProvenDevice.Of(ipad.Udid, ipad.SerialNumber) is { } device)
        {
            var identity = AttestationPolicy.ForRenewal(attestation.Mode, ipad);
            if (identity.Way == IdentityWay.Acme) return (OneTimeChallenge.CreateAttestedRenewal(snapshot.ChallengeKey, renews, ends, device, known), true);
            if (identity.Why is { } why) LogNotAttested(device.SerialNumber, why);
        }

        return (OneTimeChallenge.CreateRenewal(snapshot.ChallengeKey, renews, ends, known), false);
    }

    /// <summary>What the iPad calls this server. A proxy may have put another name into Host: then it is believed only when it is the public one.</summary>
    private string? AuthorityOf(HttpContext context)
    {
        var host = context.Request.Host.Value?.ToLowerInvariant();
        var published = mdm.Value.PublicUri.Authority;
        var isTold = !mdm.Value.ProxyProtocol && proxies.Contains(context.Connection.RemoteIpAddress);
        if (isTold && context.Request.Headers[ForwardedHost] is [{ Length: > 0 } forwarded]) return forwarded.Trim().ToLowerInvariant();
        var isOwn = !isTold && context.Features.Get<ITlsHandshakeFeature>() is not null;
        return isOwn || host == published ? host : null;
    }

    [LoggerMessage(2865, LogLevel.Information, "iPad {SerialNumber} renews its identity by SCEP, without an attestation: {Reason}")]
    private partial void LogNotAttested(string serialNumber, string reason);
}
