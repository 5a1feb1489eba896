using FleetMdm.Api.Hosting;
using FleetMdm.Storage.Audit;
using FleetMdm.Storage.Hosting;

namespace FleetMdm.Silo.Hosting;

/// <summary><c>audit-verify [WITNESS]</c>: whether the audit records are still what they were, while the server runs or not. It changes nothing.</summary>
internal static class AuditVerifyCommand
{
    private const int AtOnce = 50_000;
    private const int Whole = 0, Broken = 1;

    public static async Task<int> Run(string[] arguments)
    {
        var (witness, options) = arguments is [var first, .. var rest] && !first.StartsWith('-') ? (first, rest) : (null, arguments);
        FleetConfiguration.CheckArguments(options);
        if (FileArgument.FindMissingDatabase(options) is { } missing)
            throw new FleetStartException($"There is no database at {missing}: name the server's data directory (--Storage:DataDirectory=/var/lib/fleetmdm).");
        await using var services = FileArgument.OpenStore(options, storage => storage.MigrateAtStart = false);
        await services.StartFleetStorage();
        var chain = services.GetRequiredService<IAuditChain>();

        var (seen, unsigned, breaks) = (0L, 0L, 0);
        DateTimeOffset? newest = null;
        AuditCheck check;
        string? after = null;
        do
        {
            check = await chain.Verify(after, AtOnce);
            seen += check.Checked;
            unsigned += check.Unsigned;
            if (check.NewestUnsigned is { } at && (newest is null || at > newest)) newest = at;
            if (check.Break is { } found)
            {
                breaks++;
                Console.WriteLine(found.Words);
            }

            after = check.Next;
        }
        while (after is not null);

        Console.WriteLine($"Checked {seen} records, up to number {check.Head.Number}. Retention has removed {check.Removed}.");
        if (check.Waiting > 0)
            Console.WriteLine($"{check.Waiting} wait for their seal and were not checked. The server seals them within seconds while it runs.");
        if (unsigned > 0)
            Console.WriteLine($"{unsigned} have no signature, the newest from {newest:yyyy-MM-dd HH:mm:ss} UTC: they are of an older version. Their number does not grow after the upgrade, unless somebody else writes records.");
        if (await Compares(chain, witness) is false) breaks++;
        var nothing = breaks == 0 && seen == 0 && (check.Nothing || check.Waiting > 0);
        Console.WriteLine(nothing ? "No record was checked: start the server, and check again." : breaks == 0 ? "The audit is whole." : "The audit is not whole.");
        Console.WriteLine($"It ends at {check.Head.Witness}. Keep this line elsewhere, and give it to audit-verify another time.");
        return breaks == 0 && !nothing ? Whole : Broken;
    }

    private static async Task<bool?> Compares(IAuditChain chain, string? witness)
    {
        if (witness is null) return null;
        if (witness.Split(':') is not [var said, { Length: 64 } hash] || !long.TryParse(said, out var number))
            throw new FleetStartException("WITNESS must be a number, a colon and a hash of 64 digits, as they stand in the log.");
        var found = await chain.FindHash(number);
        if (found is null && number <= (await chain.Start()).Number)
        {
            Console.WriteLine($"Number {number} was removed by retention: it cannot be compared.");
            return null;
        }

        var holds = found is not null && Convert.ToHexStringLower(found).Equals(hash, StringComparison.OrdinalIgnoreCase);
        Console.WriteLine(holds
            ? $"The chain still holds number {number} as it was then."
            : $"The chain does not hold number {number} as it was then: it was cut off or made anew, or a backup was restored.");
        return holds;
    }
}
