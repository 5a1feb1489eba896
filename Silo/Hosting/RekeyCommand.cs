using FleetMdm.Api.Access;
using FleetMdm.Grains.Interfaces;
using FleetMdm.Storage.Hosting;

namespace FleetMdm.Silo.Hosting;

/// <summary><c>rekey FILE</c>: all secrets are sealed under the new master key in FILE. The server, or all nodes, must be stopped.</summary>
internal static class RekeyCommand
{
    /// <summary>What is sealed in the state of grains, and the keys of sessions.</summary>
    private static readonly string[] Purposes =
    [
        SealedAuthority.CaKeyPurpose, SealedAuthority.RegistrationAuthorityKeyPurpose, SealedAuthority.ProfileSignerKeyPurpose,
        SealedClassroomAuthority.LeaderKeyPurpose, SealedClassroomAuthority.MemberKeyPurpose,
        SealedTlsRoot.KeyPurpose, SealedTlsRoot.ProfileSignerKeyPurpose,
        SealedAuthority.ChallengeKeyPurpose, SealedPushCertificate.KeyPurpose, SealedXmlEncryptor.Purpose,
    ];

    public static async Task<int> Run(string[] arguments)
    {
        var (file, options) = FileArgument.Take("rekey", arguments);
        await using var services = FileArgument.OpenStore(options, MasterKeyChange.NameConnections);
        var changed = await services.GetRequiredService<MasterKeyChange>().Run(file, Purposes, CancellationToken.None);
        Console.WriteLine(changed.AlreadyDone
            ? $"Everything is sealed under the key in {file} already."
            : $"Sealed {changed.Sealed} secrets under the key in {file}.");
        if (changed.Unreadable > 0)
            Console.WriteLine($"{changed.Unreadable} tokens of iPads could not be opened with the present key either; they were left as they are.");
        Console.WriteLine("Now put it in the place of the present key (master.key in the data directory, or what Secrets:MasterKeyFile names), on every node; then start.");
        Console.WriteLine("Backups from before need the key from before: keep it as long as you keep them.");
        return 0;
    }
}
