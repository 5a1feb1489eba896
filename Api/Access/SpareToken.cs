using FleetMdm.Grains.Interfaces;
using FleetMdm.Storage.Audit;

namespace FleetMdm.Api.Access;

/// <summary>A new administrator's token for those who have lost theirs, while no server runs. Whoever holds the machine and the master key may have one: they
/// may do all that an administrator may, without it.</summary>
public static class SpareToken
{
    private const string Name = "made on the machine";

    /// <summary>Records it, writes the token to a file, and then makes it. A process that dies in between leaves a file whose token opens nothing.</summary>
    /// <param name="file">Must not exist; readable by its owner only.</param>
    /// <returns>When it expires; null: there are as many tokens as there may be, and none was made.</returns>
    /// <exception cref="IOException">There is such a file, or no such folder.</exception>
    public static async Task<DateTimeOffset?> Make(IGrainFactory grains, IAuditStore audit, string file, TimeProvider time)
    {
        var now = time.GetUtcNow();
        var id = Guid.NewGuid().ToString("D");
        var token = ApiToken.Create();
        await TokenFile.Write(file, token);
        await audit.Write(AuditRecord.New(now, AuditActor.Server, AuditVerbs.TokenCreate) with
        {
            TargetKind = AuditTargets.Token,
            TargetId = id,
            Detail = $"{Name} ({AccessRole.Administrator}), by the command admin-token",
        });
        // Of the server, as the first one is: the console asks for its replacement.
        var order = new TokenOrder(id, ApiToken.Hash(token), Name, AccessRole.Administrator, now + TokenService.Lives, CreatedBy: "server");
        if (await grains.GetGrain<IAccessGrain>(IAccessGrain.Key).Create(order) is { } made) return made.ExpiresAt;
        File.Delete(file);
        return null;
    }
}
