using System.Security.Cryptography;
using System.Text;

namespace FleetMdm.VirtualFleet.IPads;

/// <summary>The code that opens a supervised iPad which somebody's Apple Account has locked. Each erase makes a new one.</summary>
internal static class ActivationLock
{
    private const string Alphabet = "0123456789ACDEFGHJKLMNPQRTUVWXYZ";
    private const int Symbols = 26;

    /// <summary>Dashes stand after so many symbols, as people read it.</summary>
    private static readonly int[] Dashes = [5, 10, 14, 18, 22];

    /// <summary>Without the code when there is none any more.</summary>
    public static IPadReport Tell(CommandRun run) => run.IPad.Touched is { BypassCodeCleared: true }
        ? run.Acknowledged()
        : run.Acknowledged(("ActivationLockBypassCode", Code(run.IPad)));

    public static IPadReport Clear(CommandRun run)
    {
        run.IPad.State.BypassCodeCleared = true;
        return run.Acknowledged();
    }

    private static string Code(VirtualIPad ipad)
    {
        var hash = SHA256.HashData(Encoding.ASCII.GetBytes($"{ipad.Udid} {ipad.TimesErased}"));
        var code = new StringBuilder(Symbols + Dashes.Length);
        for (var i = 0; i < Symbols; i++)
        {
            if (Dashes.Contains(i))
                code.Append('-');
            code.Append(Alphabet[hash[i] % Alphabet.Length]);
        }
        return code.ToString();
    }
}
