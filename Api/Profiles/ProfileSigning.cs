using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using FleetMdm.Api.Enrolment;
using FleetMdm.Protocol.Profiles;
using FleetMdm.Storage.Profiles;
using Microsoft.Extensions.Options;

namespace FleetMdm.Api.Profiles;

/// <summary>Signs the profiles of the library as the section <c>Profiles</c> says. The same for installation and download.</summary>
/// <remarks>Safe from any thread. The district's certificate is read once, at the first use; a restart takes another one. A file that could not be read is read again
/// at the next use.</remarks>
public sealed class ProfileSigning(EnrolmentAuthority authority, IProfileStore store, IOptions<ProfileOptions> options) : IDisposable
{
    private const string Unusable = "The certificate of Profiles:SigningCertificateFile cannot be used any more.";

    private readonly Lazy<(X509Certificate2 Certificate, IReadOnlyList<ReadOnlyMemory<byte>> Issuers)> _own = new(() =>
        (options.Value.LoadSigner(out var issuers), issuers), LazyThreadSafetyMode.PublicationOnly);

    /// <summary>One that was made for this iPad, at this moment.</summary>
    /// <exception cref="AuthorityUnavailableException">The keys cannot be had now.</exception>
    /// <exception cref="ProfileNotSignedException">It cannot be signed, now or later.</exception>
    public async ValueTask<byte[]> Sign(byte[] profile) => await Signer() is { } signer ? Sign(profile, signer) : profile;

    /// <summary>A version without variables: signed once, and then kept. With another certificate, it is signed anew.</summary>
    /// <exception cref="AuthorityUnavailableException">The keys cannot be had now.</exception>
    /// <exception cref="ProfileNotSignedException">It cannot be signed, now or later.</exception>
    internal async ValueTask<byte[]> SignOnce(string id, int version, byte[] profile)
    {
        if (await Signer() is not { } signer) return profile;
        var fingerprint = SHA256.HashData(signer.Certificate.RawData);
        if (await store.FindSigned(id, version) is { } kept && kept.Signer.AsSpan().SequenceEqual(fingerprint)) return kept.Content;
        var signed = Sign(profile, signer);
        await store.KeepSigned(id, version, new SignedProfile(fingerprint, signed));
        return signed;
    }

    /// <summary>The newest version, signed, as a file.</summary>
    /// <exception cref="AuthorityUnavailableException">The keys cannot be had now.</exception>
    /// <exception cref="ProfileNotSignedException">It cannot be signed, now or later.</exception>
    internal async Task<IResult> Download(HttpContext context, ProfileRow profile, byte[] content)
    {
        var bytes = profile.Newest.Signed ? content : await SignOnce(profile.Id, profile.Newest.Version, content);
        context.Response.Headers.CacheControl = "no-store";
        context.Response.Headers.XContentTypeOptions = "nosniff";
        return Results.File(bytes, ConfigurationProfile.ContentType, $"{ProfileLibrary.FileName(profile.Identifier)}.mobileconfig");
    }

    public void Dispose()
    {
        if (_own.IsValueCreated) _own.Value.Certificate.Dispose();
    }

    private async ValueTask<(X509Certificate2 Certificate, IReadOnlyList<ReadOnlyMemory<byte>> Issuers)?> Signer()
    {
        switch (Mode())
        {
            case ProfileSigningMode.Certificate:
                return Own();
            case ProfileSigningMode.Ca:
                var snapshot = await authority.Get();
                return (snapshot.ProfileSigner, [snapshot.TlsIssuer.Certificate.Der]);
            default:
                return null;
        }
    }

    /// <summary>The options are checked once more where they are first read, the file among them.</summary>
    private ProfileSigningMode Mode()
    {
        try
        {
            return options.Value.Signing;
        }
        catch (OptionsValidationException e)
        {
            throw new ProfileNotSignedException(Unusable, e);
        }
    }

    private (X509Certificate2, IReadOnlyList<ReadOnlyMemory<byte>>) Own()
    {
        try
        {
            return _own.Value;
        }
        catch (Exception e) when (e is CryptographicException or IOException or UnauthorizedAccessException)
        {
            throw new ProfileNotSignedException(Unusable, e);
        }
    }

    private static byte[] Sign(byte[] profile, (X509Certificate2 Certificate, IReadOnlyList<ReadOnlyMemory<byte>> Issuers) signer)
    {
        try
        {
            return ProfileSigner.Sign(profile, signer.Certificate, signer.Issuers);
        }
        catch (CryptographicException e)
        {
            throw new ProfileNotSignedException("The key does not sign the profile.", e);
        }
    }
}

/// <summary>A profile cannot be signed, and waiting does not help: somebody must mend the certificate.</summary>
public sealed class ProfileNotSignedException(string message, Exception inner) : Exception(message, inner);
