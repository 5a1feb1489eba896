using System.Security.Cryptography;

namespace FleetMdm.Protocol.Identity;

/// <summary>
/// The <c>Mdm-Signature</c> header: Base64 of a detached CMS signature over the request's body, made with the iPad's identity
/// key (developer.apple.com/documentation/devicemanagement, "Managing certificates for MDM servers and devices").
/// </summary>
/// <remarks>What iPads were seen to send: BER of indefinite length, SHA-1, RSA, no signed attributes, one certificate.</remarks>
public static class MdmSignature
{
    public const string HeaderName = "Mdm-Signature";

    /// <summary>Of the header in characters. An iPad's is about 3 KiB with its certificate, 6 with a chain.</summary>
    public const int MaxHeaderLength = 16 * 1024;

    /// <summary>
    /// Checks that the header is a signature over exactly this body and gives the signer's certificate. Says nothing about
    /// who issued that certificate: <see cref="IdentityVerifier"/> does, and its
    /// <see cref="IdentityVerifier.VerifySignature"/> does both in the cheaper order.
    /// </summary>
    /// <param name="headerValue">Base64, with or without line breaks or blanks.</param>
    /// <exception cref="IdentityException">Missing, BadBase64, BadCms, SeveralSigners, UnsupportedAlgorithm, WrongBody.</exception>
    public static IdentityCertificate Verify(ReadOnlySpan<byte> body, string? headerValue, WeakestHash weakest = WeakestHash.Sha1)
    {
        var cms = Parse(headerValue, null);
        cms.CheckSignature(body, weakest);
        return cms.Signer;
    }

    /// <summary>SHA-256 of what was signed: the same for a message that is sent once more, and another one when the signer says when it signed.</summary>
    /// <param name="body">The message.</param>
    /// <param name="headerValue">As it came; nothing of it is checked. Null, or what cannot be read: the body alone counts.</param>
    public static byte[] Signed(ReadOnlySpan<byte> body, string? headerValue)
    {
        try
        {
            if (!string.IsNullOrEmpty(headerValue) && Parse(headerValue, null).SignedAttributes is { IsEmpty: false } attributes)
                return SHA256.HashData(attributes.Span);
        }
        catch (IdentityException)
        {
            // It is not what proved the sender.
        }

        return SHA256.HashData(body);
    }

    /// <summary>The certificate that came with a signature; nothing is checked.</summary>
    /// <exception cref="IdentityException">It cannot be read.</exception>
    public static IdentityCertificate Signer(string? headerValue) => Parse(headerValue, null).Signer;

    internal static CmsSignedData Parse(string? headerValue, KnownIdentities? known)
    {
        if (string.IsNullOrEmpty(headerValue))
            throw new IdentityException(IdentityRefusal.Missing, "The request has no Mdm-Signature.");
        if (headerValue.Length > MaxHeaderLength)
            throw new IdentityException(IdentityRefusal.BadBase64, $"Mdm-Signature is longer than {MaxHeaderLength} characters.");
        var buffer = new byte[headerValue.Length / 4 * 3 + 3];
        if (!Convert.TryFromBase64String(headerValue, buffer, out var length) || length == 0)
            throw new IdentityException(IdentityRefusal.BadBase64, "Mdm-Signature is not Base64.");
        return CmsSignedData.Parse(buffer.AsMemory(0, length), known);
    }
}
