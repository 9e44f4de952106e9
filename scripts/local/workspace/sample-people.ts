const givenNames =
  'Amelia Oliver Isla George Ava Noah Mia Leo Freya Arthur Grace Oscar Lily Theo Ella Henry Sofia Lucas Zara Jack Nadia Ravi Mei Kofi Ingrid Mateo Aisha Jonas Yuki Omar Elena Piotr Chloe Samuel Layla Hugo Priya Viktor Naomi Felix Rosa Adam Hana Marcus Leila Tomas Ruth Diego Anya Simon Clara Idris Wendy Kenji Paula Emil Sara Bruno Noor Walter'.split(
    ' ',
  );
const familyNames =
  'Abbott Barnes Castro Dalton Ellis Foster Garcia Hughes Ibrahim Jensen Kaur Larsen Mendes Novak Okafor Patel Quinn Rossi Schmidt Tanaka Ueda Vargas Weber Xu Young Zhang Ahmed Bishop Cohen Diaz Evans Fischer Grant Haas Ivanov Johansson Khan Lopez Murphy Nguyen Olsen Park Ramos Silva Turner Ullman Vega Walsh Yilmaz Zimmermann Archerfield Bell Clarke Dubois Eriksen Flynn Gomez Hall Iyer'.split(
    ' ',
  );

export interface Person {
  readonly localPart: string;
  readonly givenName: string;
  readonly familyName: string;
}

/** The nth person of the growing company, the same on every machine; no two have the same address. */
export function toPerson(index: number): Person {
  const round = Math.floor(index / givenNames.length);
  const givenName = givenNames[index % givenNames.length] ?? '';
  const familyName = familyNames[(round + index * 7) % familyNames.length] ?? '';
  const namesakes = Math.floor(round / familyNames.length);
  const localPart = `${givenName}.${familyName}${namesakes === 0 ? '' : namesakes + 1}`.toLowerCase();
  return { localPart, givenName, familyName };
}
