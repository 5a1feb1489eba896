using System.Text;
using System.Xml.Linq;
using FleetMdm.Storage.Access;
using FleetMdm.Storage.Secrets;
using Microsoft.AspNetCore.DataProtection.Repositories;
using Microsoft.AspNetCore.DataProtection.XmlEncryption;

namespace FleetMdm.Api.Access;

/// <summary>Keys of the sessions' cookies, in the store: every node opens what another one sealed.</summary>
internal sealed class StoredKeyRing(IKeyRingStore store) : IXmlRepository
{
    public IReadOnlyCollection<XElement> GetAllElements() => [.. store.LoadKeys().Select(XElement.Parse)];

    public void StoreElement(XElement element, string friendlyName) =>
        store.StoreKey(friendlyName, element.ToString(SaveOptions.DisableFormatting));
}

/// <summary>Seals those keys under the master key: a copy of the database cannot forge a session.</summary>
public sealed class SealedXmlEncryptor(SecretSealer sealer) : IXmlEncryptor
{
    public const string Purpose = "session-keys";

    public EncryptedXmlInfo Encrypt(XElement plaintextElement)
    {
        var xml = Encoding.UTF8.GetBytes(plaintextElement.ToString(SaveOptions.DisableFormatting));
        var element = new XElement("sealed", Convert.ToBase64String(sealer.Seal(Purpose, xml)));
        return new EncryptedXmlInfo(element, typeof(SealedXmlDecryptor));
    }
}

/// <summary>Opens what <see cref="SealedXmlEncryptor"/> sealed. Made by data protection from its name in the stored key.</summary>
internal sealed class SealedXmlDecryptor(IServiceProvider services) : IXmlDecryptor
{
    public XElement Decrypt(XElement encryptedElement) => XElement.Parse(Encoding.UTF8.GetString(
        services.GetRequiredService<SecretSealer>().Open(SealedXmlEncryptor.Purpose, Convert.FromBase64String(encryptedElement.Value))));
}
