using System.Collections.Frozen;
using FleetMdm.Api.Rest;

namespace FleetMdm.Api.Access;

/// <summary>What a password must be: long enough, and not among those that are tried first. No rules on kinds of characters.</summary>
/// <remarks>A password is taken apart, from left to right, into words that are common in passwords, the person's own name, runs (<c>1234</c>, <c>aaaa</c>,
/// <c>qwert</c>), years and single characters. What stands there a second time adds nothing. So <see cref="Words"/> and a few lines stand for the
/// many thousands of common passwords that are made of them.</remarks>
public static class PasswordRules
{
    public const int Shortest = 12;

    /// <summary>A hash takes the same time for each length; a body of a form has an end all the same.</summary>
    public const int Longest = 256;

    /// <summary>A common word counts two, a run or a year one, another character one. Twelve random characters have twelve; four common words eight.</summary>
    private const int LeastParts = 7;

    private const int ShortestRun = 3;

    private static readonly string[] Rows = ["abcdefghijklmnopqrstuvwxyz", "01234567890", "qwertyuiop", "asdfghjkl", "zxcvbnm", "qwertzuiop", "yxcvbnm", "azertyuiop", "1qaz2wsx3edc4rfv5tgb6yhn", "!@#$%^&*()"];

    /// <summary>Our own collection: what people put into passwords, from general knowledge. No list of others was copied.</summary>
    private static readonly FrozenSet<string> Words = FrozenSet.ToFrozenSet(
        """
        password passwort passwd passphrase secret geheim losenord hemligt kennwort admin administrator root user login signin guest default changeme change letmein
        welcome willkommen valkommen hello hallo hejsan iloveyou loveyou love lovely sunshine princess prinsessa angel baby honey sweet sweetheart darling forever
        dragon monkey tiger lion eagle falcon wolf bear horse puppy kitten kitty cat dog bird fish shark panther cheese cookie chocolate banana apple orange
        cherry pepper ginger sugar coffee pizza butter football fotboll fussball soccer baseball basketball hockey handball tennis golf rugby racing player
        master superman batman spiderman starwars pokemon mario minecraft fortnite roblox matrix hunter killer shadow ninja warrior knight wizard magic merlin
        summer sommar winter vinter spring autumn herbst january february march april june july august september october november december monday
        tuesday wednesday thursday friday saturday sunday morning evening holiday semester christmas weihnachten easter flower rose lily daisy garden forest mountain
        river ocean island beach water fire earth wind storm thunder lightning rainbow moon star heaven freedom family mother father sister brother friend
        friends children michael daniel thomas robert william james john david anna maria jennifer jessica michelle ashley amanda nicole charlie george andrew
        jordan matthew joshua martin peter stefan johan erik karin emma sofia oscar london paris berlin stockholm sweden sverige germany deutschland england america
        canada liverpool chelsea arsenal barcelona madrid ferrari porsche mercedes mustang corvette yamaha harley computer internet google facebook instagram twitter
        youtube windows microsoft macbook iphone ipad apple samsung android server network system database security firewall router wireless wifi access manager
        school skola schule student teacher larare lehrer pupil elev class klasse education college university library principal office district district municipality
        technician support helpdesk service test testing demo temp temporary trustno one two three four five six seven eight nine zero qwerty azerty qwertz asdf zxcv
        fleetmdm fleet mdm money dollar gold silver diamond platinum lucky happy smile cool awesome great super power strong blue green red yellow black white purple
        pink brown crazy whatever nothing something secure private mine your this that what with from have the and for you not
        """.Split([' ', '\r', '\n'], StringSplitOptions.RemoveEmptyEntries), StringComparer.Ordinal);

    private static readonly int LongestWord = Words.Max(word => word.Length);

    /// <exception cref="ApiProblem">400: what is wrong with it.</exception>
    internal static void Check(string field, string? password, string userName, string name)
    {
        if (string.IsNullOrEmpty(password)) throw ApiProblem.Field(field, "Enter a new password.");
        if (password.Length < Shortest) throw ApiProblem.Field(field, $"It must have at least {Shortest} characters, but has {password.Length}. Several words that do not belong together are easy to keep in mind.");
        if (password.Length > Longest) throw ApiProblem.Field(field, $"It may have at most {Longest} characters.");
        if (IsGuessed(password, userName, name)) throw ApiProblem.Field(field, "It is too easy to guess: it is made of your name, a common word, or a row of keys. Choose another one.");
    }

    /// <summary>Whether it is among those that are tried first.</summary>
    public static bool IsGuessed(string password, string userName, string name)
    {
        var own = $"{userName} {name}".ToLowerInvariant().Split([' ', '@', '.', '-', '_', '+'], StringSplitOptions.RemoveEmptyEntries).Where(part => part.Length >= ShortestRun)
            .ToHashSet(StringComparer.Ordinal);
        var lower = password.ToLowerInvariant();
        return Math.Min(Parts(lower, own), Parts(Plain(lower), own)) < LeastParts;
    }

    private static int Parts(string text, HashSet<string> own)
    {
        var seen = new HashSet<string>(StringComparer.Ordinal);
        var parts = 0;
        for (var i = 0; i < text.Length;)
        {
            var (length, weight) = Next(text.AsSpan(i), own);
            if (seen.Add(text.Substring(i, length))) parts += weight;
            i += length;
        }

        return parts;
    }

    private static (int Length, int Weight) Next(ReadOnlySpan<char> rest, HashSet<string> own)
    {
        var words = Words.GetAlternateLookup<ReadOnlySpan<char>>();
        var owns = own.GetAlternateLookup<ReadOnlySpan<char>>();
        var run = Run(rest);
        for (var length = Math.Min(rest.Length, Math.Max(LongestWord, 40)); length >= ShortestRun && length >= run; length--)
        {
            if (owns.Contains(rest[..length])) return (length, 0);
            if (words.Contains(rest[..length])) return (length, 2);
        }

        if (run >= ShortestRun) return (run, 1);
        return rest.Length >= 4 && rest[0] is '1' or '2' && rest[1] is '9' or '0' && rest.Length >= 4 && char.IsAsciiDigit(rest[2]) && char.IsAsciiDigit(rest[3]) ? (4, 1) : (1, 1);
    }

    /// <summary>How long it goes on with the same character, or along a row of keys.</summary>
    private static int Run(ReadOnlySpan<char> rest)
    {
        var longest = 1;
        while (longest < rest.Length && rest[longest] == rest[0]) longest++;
        foreach (var row in Rows)
        {
            for (var step = -1; step <= 1; step += 2)
            {
                var at = row.IndexOf(rest[0], StringComparison.Ordinal);
                var length = 1;
                while (at >= 0 && length < rest.Length && at + step >= 0 && at + step < row.Length && row[at + step] == rest[length])
                {
                    at += step;
                    length++;
                }

                longest = Math.Max(longest, length);
            }
        }

        return longest;
    }

    /// <summary>Without the usual disguises.</summary>
    private static string Plain(string text) => string.Create(text.Length, text, (plain, from) =>
    {
        for (var i = 0; i < from.Length; i++)
        {
            plain[i] = from[i] switch { '0' => 'o', '1' or '!' => 'i', '3' => 'e', '4' or '@' => 'a', '5' or '$' => 's', '7' => 't', 'ö' => 'o', 'ä' or 'å' => 'a', 'ü' => 'u', var c => c };
        }
    });
}
