namespace FleetMdm.Storage.Secrets;

/// <summary>Seals secrets that are kept at rest (AES-256-GCM under the master key).</summary>
/// <remarks>A sealed value is bound to its purpose: one sealed for an iPad's unlock token cannot be opened as a CA key.</remarks>
public sealed class SecretSealer
{
    /// <param name="purpose">What the secret is and whose, as in <c>unlock-token/UDID</c>.</param>
    public byte[] Seal(string purpose, ReadOnlySpan<byte> secret) => throw new NotImplementedException();

    /// <exception cref="System.Security.Cryptography.CryptographicException">Another key, another purpose, or damaged.</exception>
    public byte[] Open(string purpose, ReadOnlySpan<byte> sealedSecret) => throw new NotImplementedException();
}
